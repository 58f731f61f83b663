/** The policies in roles that the shipped one was chosen among, and the choice. */

import type { Policy } from "../../engine/index.ts";
import type { Measures } from "../../lab/detectBench/measures.ts";
import { policyOf } from "../engine/policyFile.ts";

const LEVELS = ["latency", "errors", "availability"] as const;
const LOADS = ["saturation", "throughput"] as const;

const NONE = null;
const TOLERANCES = [
  { share: "10%", points: "1pp" },
  { share: "20%", points: "2pp" },
] as const;
/** For harm that stays, in latency, errors and availability. */
const SHIFTS = [
  NONE,
  { kind: "cusum", clip: 4, limit: 5 },
  { kind: "cusum", clip: 4, limit: 8 },
] as const;
/** For short, large harm in the same. */
const EXCURSIONS = [NONE, { kind: "outlier" }] as const;
/**
 * For load, which has no level of its own: which way, and with what. Never nothing, as the shipped
 * policy must watch every role. Left out is what had more than 1.2 times the false positives of the
 * default before it on the generated quarter: outliers, and novelty from half a width on.
 */
const LOAD = [
  { worse: "role", detector: { kind: "cusum", clip: 4, limit: 8 } },
  { worse: "both", detector: { kind: "novelty", times: 1 } },
] as const;

/** Every combination that watches every role. */
export function candidates(): Policy[] {
  return TOLERANCES.flatMap((tolerance, t) =>
    SHIFTS.flatMap((shift, s) =>
      EXCURSIONS.flatMap((excursion, e) =>
        LOAD.flatMap((load, l) => {
          // Levels need one detector at least.
          if (shift === null && excursion === null) return [];
          const signals: Record<string, unknown> = {};
          for (const role of LEVELS) {
            const of = role === "availability" ? ["own", "dependants"] : "own";
            const tolerated = role === "latency" ? tolerance.share : tolerance.points;
            const base = { role, of, tolerance: tolerated, hold: "0s", clear: "2m" };
            if (shift !== null) signals[role] = { ...base, detector: shift };
            if (excursion !== null) signals[`${role}_excursion`] = { ...base, detector: excursion };
          }
          for (const role of LOADS) {
            const worse = load.worse === "both" ? { worse: "both" } : {};
            const { detector } = load;
            const base = { role, ...worse, tolerance: tolerance.share, hold: "0s", clear: "2m" };
            signals[role] = { ...base, detector };
          }
          const assign = [{ otherwise: "override" }];
          return policyOf({ policy: `t${t} s${s} e${e} l${l}`, owner: "o", signals, assign });
        }),
      ),
    ),
  );
}

/**
 * The best in the mean of some recordings. Of equal ones that with the fewest signals, then that
 * which watches more of them both ways (what the recordings cannot tell is not left unwatched),
 * then the first.
 */
export function best(
  policies: readonly Policy[],
  measured: readonly (readonly Measures[])[],
): number {
  const mean = (at: number): number =>
    measured.reduce((sum, one) => sum + (one[at]!.balancedAccuracy.value ?? 0), 0) /
    measured.length;
  return policies
    .map(({ signals }, at) => {
      const both = signals.filter(({ worse }) => worse === "both").length;
      return { at, mean: mean(at), signals: signals.length, both };
    })
    .sort((a, b) => b.mean - a.mean || a.signals - b.signals || b.both - a.both || a.at - b.at)[0]!
    .at;
}
