/** Random stages of a rollout: what policies say about them, and how far rollouts get. */

import fc from "fast-check";
import type { Event } from "../../engine/index.ts";

const oneOf = <Value>(...values: readonly Value[]) => fc.constantFrom(...values);
const tier = oneOf("full", "override", "approve", "observe");

interface DrawnStages {
  readonly upTo: string;
  readonly becomes: string;
  readonly tolerance: string;
  readonly killed: string | null;
}

export const randomStages: fc.Arbitrary<DrawnStages> = fc.record({
  upTo: oneOf("5%", "50%"),
  becomes: tier,
  tolerance: oneOf("0", "5", "40"),
  killed: fc.option(tier),
});

/** As a policy writes them; the first of its signals has a tolerance and a tier of its own. */
export function stagesOf(
  { upTo, becomes, tolerance, killed }: DrawnStages,
  signals: Readonly<Record<string, { readonly tolerance: string }>>,
): unknown {
  const first = Object.keys(signals).sort()[0]!;
  const unit = signals[first]!.tolerance.endsWith("pp") ? "pp" : "%";
  const own = { tolerance: tolerance + unit, ...(killed === null ? {} : { tier: killed }) };
  return {
    canary: { upTo, tier: { approve: becomes }, signals: { [first]: own } },
    most: { upTo: "80%" },
  };
}

/** So much of the traffic is on it, on a grid of 5 s. */
export function stageReached(startMs: number): fc.Arbitrary<Event> {
  return fc
    .record({
      deploymentId: oneOf("d1", "toString", "__proto__"),
      steps: fc.integer({ min: 336, max: 840 }),
      lateMs: oneOf(0, 0, 5000, 180_000),
      share: oneOf(0.05, 0.05, 0.5, 1),
    })
    .map(({ deploymentId, steps, lateMs, share }): Event => {
      const atMs = startMs + steps * 5000;
      return { kind: "stageReached", atMs, knownAtMs: atMs + lateMs, deploymentId, share };
    });
}
