/** A policy that judges a deployment on a part of its watch only. */

import type { Policy } from "../../engine/index.ts";

/** The policy with a watch of at most so long, which is that of all its signals too. */
export function watchedFor(policy: Policy, watchMs: number): Policy {
  if (watchMs >= policy.watchMs) return policy;
  const signals = policy.signals.map(({ watchSamples, watchMs: own, ...signal }) => {
    const isShorter = watchSamples === undefined && own !== undefined && own < watchMs;
    return isShorter ? { ...signal, watchMs: own } : signal;
  });
  return { ...policy, watchMs, signals };
}
