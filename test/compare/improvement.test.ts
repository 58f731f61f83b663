/**
 * Pairing is what makes a history of one quarter enough: a true improvement of 10 % of the
 * time to recovery, on 130 regressions of very unequal length.
 */

import { describe, expect, it } from "vitest";
import { differencesOf } from "../../lab/compare/compare.ts";
import type { Evaluated } from "../../lab/compare/evaluate.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { randomStream } from "../../lab/random.ts";
import { regression, rolledBack, scoreDraws, SCORING } from "../outcome/outcomes.ts";
import { shipped } from "../history/smallWorld.ts";

const WORLDS = process.env["SOAK"] === undefined ? 60 : 400;
const REGRESSIONS = 130;
const SERVICES = 40;

/** Lasting a lognormal time (median 15 min, sigma 1.2), `times` of it, give or take 2 min. */
function quarter(seed: number, times: number, jitter: string): readonly Outcome[] {
  return Array.from({ length: REGRESSIONS }, (_, index) => {
    const minutes = randomStream(seed, "length", index).lognormal(15, 1.2);
    const around = randomStream(seed, jitter, index).between(-2, 2);
    const service = `service-${Math.floor(SERVICES * randomStream(seed, "of", index).next())}`;
    return rolledBack(1, { ...regression(Math.max(0.5, times * minutes + around)), service });
  });
}

function evaluatedAs(outcomes: readonly Outcome[]): Evaluated {
  const scored = scoreDraws([outcomes], { bootstraps: 40 });
  return { policy: shipped("plain-window"), outcomes, draws: [outcomes], scored };
}

describe(`a true 10 % improvement on ${REGRESSIONS} regressions`, () => {
  it("is seen in the right direction with pairing, and often is not without", () => {
    let paired = 0;
    let called = 0;
    let unpaired = 0;
    for (let seed = 0; seed < WORLDS; seed++) {
      const before = evaluatedAs(quarter(seed, 1, "before"));
      const after = evaluatedAs(quarter(seed, 0.9, "after"));
      const other = evaluatedAs(quarter(seed + 100_000, 0.9, "after"));
      const mttr = differencesOf(before, after, { scoring: SCORING }).find(
        ({ field }) => field === "mttr",
      )!;
      if (mttr.difference! < 0) paired++;
      if (mttr.verdict === "better") called++;
      if (other.scored.values.get("mttr")! < before.scored.values.get("mttr")!) unpaired++;
    }
    if (process.env["SOAK"] !== undefined) {
      console.info({ WORLDS, paired, called, unpaired });
    }
    expect(paired / WORLDS).toBeGreaterThanOrEqual(0.95);
    expect(called / WORLDS).toBeGreaterThan(0.9);
    expect(unpaired / WORLDS).toBeLessThan(0.9);
  });
});
