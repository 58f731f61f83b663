/** Work that the world may never answer: given up after so long, or when somebody says so. */

/** It did not end in time; whoever asked for its end gets an `AbortError` instead. */
export class Late extends Error {
  override readonly name = "Late";
}

/**
 * Not `AbortSignal.any` over `AbortSignal.timeout`: on Node 20 nothing holds on to the two, so
 * the collector may take them before they fire, and a request waits for ever.
 *
 * @throws Late when it lasted longer, else whatever `work` throws
 */
export async function inTime<Result>(
  ms: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const give = (): void => controller.abort();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    give();
  }, ms);
  if (outer.aborted) give();
  else outer.addEventListener("abort", give);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (isLate && !outer.aborted) throw new Late();
    throw error;
  } finally {
    clearTimeout(timer);
    outer.removeEventListener("abort", give);
  }
}
