/**
 * Long work in slices: between two of them timers run, so that a host renews its lease while it
 * recovers.
 */

import { setImmediate, setTimeout } from "node:timers/promises";
import type { HostParts } from "../contract.ts";
import { Problem } from "../../problem.ts";
import { systemClock } from "../systemClock.ts";

/** The host stays deaf to everything else for so long at most, unless one step takes longer. */
export const SLICE_MS = 50;
/**
 * After a step that took longer the host pauses. The renewal of a lease takes several turns of the
 * event loop, and the next long step may come before they have passed.
 */
const LONG_MS = 200;
const PAUSE_MS = 50;

/**
 * Runs the steps to their end.
 *
 * @throws Problem when the lease is lost meanwhile: another host may go on from the journal
 */
export async function inSlices<Result>(
  steps: Generator<unknown, Result>,
  lease: HostParts["lease"],
): Promise<Result> {
  let sinceMs = systemClock.steadyMs();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    const tookMs = systemClock.steadyMs() - sinceMs;
    if (tookMs < SLICE_MS) continue;
    await (tookMs < LONG_MS ? setImmediate() : setTimeout(PAUSE_MS));
    if (!lease.holds()) throw new Problem("the lease was lost while the host recovered");
    sinceMs = systemClock.steadyMs();
  }
}

/** Runs the steps to their end at once. */
export function atOnce<Result>(steps: Generator<unknown, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
