/** Wrong labels: they move a score as arithmetic says, and the same for the same seed. */

import { expect, it } from "vitest";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { wrongLabelsOf } from "../../lab/score/wrongLabels.ts";

function outcomes(label: Outcome["label"], rolledBack: boolean, count: number): Outcome[] {
  const one = { label, rolledBack, silent: false, end: "healthy", earlyAlarm: false };
  const times = { recoveryMs: null, onsetAtMs: null, censoredAtMs: null, evidence: "modelled" };
  return Array.from({ length: count }, () => ({ ...one, ...times }) as Outcome);
}

it("spread around what one wrong label in ten gives on average", () => {
  const all = [
    ...outcomes("regression", true, 900),
    ...outcomes("regression", false, 100),
    ...outcomes("benign", false, 950),
    ...outcomes("benign", true, 50),
    ...outcomes("unknown", true, 500),
  ];
  const scores = wrongLabelsOf(all, 1);
  // Of 900 rolled back 810 stay regressions and 5 good ones join them; of 950 that stood, 95.
  const recall = (810 + 5) / (900 + 100);
  expect(scores["recall"]!.low).toBeLessThan(recall);
  expect(scores["recall"]!.high).toBeGreaterThan(recall);
  expect(scores["recall"]!.high - scores["recall"]!.low).toBeLessThan(0.06);
  const falsePositives = (45 + 90) / (900 + 100);
  expect(scores["falsePositiveRate"]!.low).toBeLessThan(falsePositives);
  expect(scores["falsePositiveRate"]!.high).toBeGreaterThan(falsePositives);
  expect(scores["mttr"]).toBeUndefined();
  expect(wrongLabelsOf(all, 1)).toEqual(scores);
  expect(wrongLabelsOf(all, 2)).not.toEqual(scores);
});

it("say nothing of a history without labels", () => {
  expect(wrongLabelsOf(outcomes("unknown", true, 50), 1)).toEqual({});
});
