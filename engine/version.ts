/** Recorded with every decision: which engine made it. */
export const ENGINE_VERSION = "0.1.0";
