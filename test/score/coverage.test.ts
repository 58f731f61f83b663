/**
 * Do the intervals of paired differences hold a true difference that is not nothing? Two
 * policies meet the same regressions of a planted fleet; the second misses half as many.
 * The same over whole worlds, with history, replay and truth, is what `hindsight simulate
 * --log-policy --ask` measures; lab/simulate/README.md has its numbers.
 */

import { describe, expect, it } from "vitest";
import { differencesOf } from "../../lab/compare/compare.ts";
import type { Evaluated } from "../../lab/compare/evaluate.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { randomStream } from "../../lab/random.ts";
import { outcome, regression, rolledBack, scoreOf, SCORING } from "../outcome/outcomes.ts";
import { HOOK_MS, shipped } from "../history/smallWorld.ts";

const SOAK = process.env["SOAK"] !== undefined;
const FLEETS = SOAK ? 200 : 20;
const SAMPLES = SOAK ? 400 : 100;
const SERVICES = 40;

/** A miss lasts 90 min, a catch five to fifteen and the second policy's nine tenths of that. */
const TRUTHS: ReadonlyMap<string, number> = new Map([
  ["missRate", -0.15],
  ["mttr", 0.15 * 5400 + 0.85 * 540 - (0.3 * 5400 + 0.7 * 600)],
  ["timeToRecovery.restrictedMean60m", 0.15 * 3600 + 0.85 * 540 - (0.3 * 3600 + 0.7 * 600)],
]);

function fleet(seed: number): readonly [readonly Outcome[], readonly Outcome[]] {
  const random = randomStream(seed, "coverage", 0);
  const before: Outcome[] = [];
  const after: Outcome[] = [];
  for (let index = 0; index < SERVICES; index++) {
    const service = `service-${index}`;
    const missRate = random.next() < 0.5 ? 0.1 : 0.5;
    const size = 1 + Math.floor(12 * random.next() ** 2);
    for (let one = 0; one < size; one++) {
      const luck = random.next();
      const minutes = 5 + 10 * random.next();
      const under = (misses: number, recoveryMinutes: number): Outcome =>
        luck < misses
          ? outcome({ ...regression(90), service, end: "missed" })
          : rolledBack(5, { ...regression(recoveryMinutes), service });
      before.push(under(missRate, minutes));
      after.push(under(missRate / 2, 0.9 * minutes));
    }
  }
  return [before, after];
}

describe(`95 % intervals of a true difference, ${FLEETS} fleets of ${SERVICES} services`, () => {
  it(
    "hold it about as often as they say, and call it better",
    () => {
      const policy = shipped("plain-window");
      const held = new Map([...TRUTHS.keys()].map((field) => [field, 0]));
      let worse = 0;
      for (let seed = 1; seed <= FLEETS; seed++) {
        const [baseline, candidate] = fleet(seed).map((outcomes): Evaluated => ({
          policy,
          outcomes,
          draws: [outcomes],
          scored: scoreOf(outcomes, { seed, bootstraps: SAMPLES }),
        })) as [Evaluated, Evaluated];
        for (const one of differencesOf(baseline, candidate, { scoring: SCORING })) {
          const truth = TRUTHS.get(one.field);
          if (truth === undefined) continue;
          if (one.low! <= truth && truth <= one.high!) {
            held.set(one.field, held.get(one.field)! + 1);
          }
          if (one.verdict === "worse") worse++;
        }
      }
      if (SOAK) console.info(Object.fromEntries(held), `of ${FLEETS}`);
      for (const [field, times] of held) {
        // 2.6 standard errors of a share of 95 %.
        const slack = 2.6 * Math.sqrt((0.95 * 0.05) / FLEETS);
        expect(times / FLEETS, field).toBeGreaterThan(0.95 - slack);
        if (SOAK) expect(times / FLEETS, field).toBeLessThan(0.95 + slack);
      }
      expect(worse).toBe(0);
    },
    SOAK ? 600_000 : HOOK_MS,
  );
});
