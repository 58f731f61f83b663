/**
 * Long work in slices: between two of them timers run, so that a host renews its lease while it
 * recovers.
 */

import { setImmediate } from "node:timers/promises";
import type { HostParts } from "../contract.ts";
import { Problem } from "../../problem.ts";
import { systemClock } from "../systemClock.ts";

/** The host stays deaf to everything else for so long at most, unless one step takes longer. */
export const SLICE_MS = 50;

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
    if (systemClock.steadyMs() < sinceMs + SLICE_MS) continue;
    await setImmediate();
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
