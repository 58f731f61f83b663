/** The detail of a rollback that was not carried out; `import shadow` recognises it by this. */
export const RECORDED_ONLY = "recorded only: the host may not act";
