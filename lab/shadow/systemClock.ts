/** The one place where a live host asks this machine what time it is. */

import { setTimeout } from "node:timers/promises";
import type { Clock } from "./contract.ts";

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  steadyMs: () => performance.now(),
  wait: async (ms, signal) => {
    try {
      await setTimeout(ms, undefined, { signal });
    } catch {
      // The signal aborted: the caller checks for itself why it was woken.
    }
  },
};
