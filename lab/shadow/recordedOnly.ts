/** The detail of a rollback that nobody did; the import of a journal knows it by this. */
export const RECORDED_ONLY = "recorded only: the host may not act";
