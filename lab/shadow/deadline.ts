/** Runs work that may never end (a request to another machine) with a time limit. */

/** The work took too long. If the caller's own signal ended it, an `AbortError` is thrown. */
export class Late extends Error {
  override readonly name = "Late";
}

/**
 * Runs `work` for at most `ms` milliseconds, or until `outer` aborts.
 *
 * Not `AbortSignal.any` over `AbortSignal.timeout`: on Node 20 nothing references the two, so the
 * garbage collector may take them before they fire, and a request waits for ever.
 *
 * @throws Late when the time is over, else whatever `work` throws
 */
export async function inTime<Result>(
  ms: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    abort();
  }, ms);
  if (outer.aborted) abort();
  else outer.addEventListener("abort", abort);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (isLate && !outer.aborted) throw new Late();
    throw error;
  } finally {
    clearTimeout(timer);
    outer.removeEventListener("abort", abort);
  }
}
