/** States of a sweep in words. */

import type { SweepJob, SweepState } from "../../../lab/server/contract/sweeps.ts";

export const STATES: Readonly<Record<SweepState, string>> = {
  waiting: "waits for its turn",
  running: "running",
  done: "done",
  cancelled: "cancelled",
  failed: "failed",
  interrupted: "interrupted: the server ended before it did",
};

export function isOpen({ state }: Pick<SweepJob, "state">): boolean {
  return state === "waiting" || state === "running";
}

export function canRestart({ state }: Pick<SweepJob, "state">): boolean {
  return state === "cancelled" || state === "failed" || state === "interrupted";
}
