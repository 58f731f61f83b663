/** What a history has no case of, in the intervals of differences. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { differencesOf, type Difference } from "../../lab/compare/compare.ts";
import type { Evaluated } from "../../lab/compare/evaluate.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { policyFromText } from "../../lab/policy/load.ts";
import { policyFile } from "../history/smallWorld.ts";
import { outcome, regression, rolledBack, scoreOf, SCORING } from "../outcome/outcomes.ts";

const TEXT = readFileSync(policyFile("two-minute-override"), "utf8");
type Change = (text: string) => string;
const LONGER: Change = (text) => text.replace("window: 2m", "window: 5m");
const FINER: Change = (text) => text.replaceAll("tolerance: 10%", "tolerance: 5%");
const OTHER: Change = (text) => FINER(text).replace("tolerance: 1pp", "tolerance: 2pp");

const SERVICES = 10;
const EACH = 4;

/** Ten services with four regressions and four good deployments each. */
function evaluatedAs(
  name: string,
  change: Change,
  bad: (nth: number) => Outcome,
  good: () => Outcome = outcome,
): Evaluated {
  const text = change(TEXT).replace(/^policy: .*/m, `policy: ${name}`);
  const outcomes = Array.from({ length: SERVICES * EACH }, (_, nth) => {
    const service = `service-${nth % SERVICES}`;
    return [bad(nth), good()].map((one, at) => ({
      ...one,
      service,
      deploymentId: `${nth}-${at}`,
    }));
  }).flat();
  const policy = policyFromText(text, `${name}.yaml`);
  return { policy, outcomes, draws: [outcomes], scored: scoreOf(outcomes) };
}

function differenceIn(field: string, before: Evaluated, after: Evaluated): Difference {
  const found = differencesOf(before, after, { scoring: SCORING });
  return found.find((one) => one.field === field)!;
}

const CAUGHT = (): Outcome => rolledBack(4, regression(6));
const NOW = evaluatedAs("now", (text) => text, CAUGHT);
const N = SERVICES * EACH;

describe("where no deployment is treated otherwise", () => {
  test("a share of 3/n stays open, each way", () => {
    const other = evaluatedAs("other", OTHER, () => rolledBack(5, regression(7)));
    for (const field of ["missRate", "falsePositiveRate"]) {
      const found = differenceIn(field, NOW, other);
      expect(found).toMatchObject({ difference: 0, verdict: "not distinguishable" });
      expect(found.low).toBeCloseTo(-3 / N, 8);
      expect(found.high).toBeCloseTo(3 / N, 8);
    }
  });

  test("only the policy that cannot act later may be ahead", () => {
    const finer = evaluatedAs("finer", FINER, () => rolledBack(3, regression(5)));
    expect(differenceIn("missRate", NOW, finer)).toMatchObject({ low: -3 / N, high: 0 });
    expect(differenceIn("falsePositiveRate", NOW, finer)).toMatchObject({ low: 0, high: 3 / N });
    expect(differenceIn("missRate", finer, NOW)).toMatchObject({ low: 0, high: 3 / N });
  });

  test("a count that only some policies can have stays as it is", () => {
    const other = evaluatedAs("other", OTHER, () => rolledBack(5, regression(7)));
    expect(differenceIn("tagMasked", NOW, other)).toMatchObject({ low: 0, high: 0 });
    expect(differenceIn("falsePositiveRollbacks", NOW, other)).toMatchObject({ low: -3, high: 3 });
  });

  test("a policy that did the same at the same times does not differ", () => {
    const same = evaluatedAs("same", OTHER, CAUGHT);
    expect(differenceIn("missRate", NOW, same)).toMatchObject({ low: 0, high: 0 });
    expect(differenceIn("mttr", NOW, same)).toMatchObject({ low: 0, high: 0 });
  });
});

describe("where the same regressions are caught, later", () => {
  const late = (nth: number): Outcome => rolledBack(7 + (nth % 3), regression(9 + (nth % 3)));

  test("misses that were not seen may make a longer window slower still", () => {
    const longer = evaluatedAs("longer", LONGER, late);
    const found = differenceIn("timeToRecovery.restrictedMean60m", NOW, longer);
    expect(found.unseen).toEqual({ below: 0, above: (3 / N) * 3600 });
    expect(found).toMatchObject({ verdict: "worse" });
    expect(found.high).toBeGreaterThan(found.difference! + (3 / N) * 3600 - 1);
    expect(found.low).toBeGreaterThan(found.difference! - 60);
  });

  test("a regression that only one of them catches is seen", () => {
    const miss = (nth: number): Outcome =>
      nth === 0 ? outcome(regression(60)) : rolledBack(7, regression(9));
    const missing = evaluatedAs("missing", LONGER, miss);
    const found = differenceIn("timeToRecovery.restrictedMean60m", NOW, missing);
    expect(found.unseen).toEqual({ below: 0, above: 0 });
  });
});
