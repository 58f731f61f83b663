/** How wide the terminal is; without one there is no end to a line. */

const LEAST = 40;

/** `COLUMNS` is the width where there is no terminal, as in a test or a CI log. */
function columnsOf({ COLUMNS = "" }: NodeJS.ProcessEnv): number {
  const columns = Number(COLUMNS);
  return Number.isSafeInteger(columns) && columns >= LEAST ? columns : Number.POSITIVE_INFINITY;
}

export const TERMINAL_COLUMNS = process.stdout.columns ?? columnsOf(process.env);
