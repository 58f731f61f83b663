/** Kaplan-Meier beside the effect held: a check, and what is wrong with it. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diagnosticsOf, recoveryCurve, restrictedMean } from "../../lab/score/diagnostics.ts";
import { MINUTE_MS, NOON_MS, outcome, regression, rolledBack } from "../outcome/outcomes.ts";

const ends = (...seconds: number[]) => seconds.map((one) => ({ seconds: one, isEnded: true }));
const hidden = (...seconds: number[]) => seconds.map((one) => ({ seconds: one, isEnded: false }));

describe("the restricted mean", () => {
  // R, survival: print(survfit(Surv(time, status) ~ x, data = aml), print.rmean = TRUE,
  // rmean = "individual"): 52.6 (se 19.83) up to 161, and 22.7 (4.18) up to 45.
  it("is R's of the leukaemia data, with and without ties, hidden ones and a level end", () => {
    const maintained = [...ends(9, 13, 18, 23, 31, 34, 48), ...hidden(13, 28, 45, 161)];
    const first = restrictedMean(maintained, 161);
    expect(first.mean).toBeCloseTo(52.6454545, 6);
    expect(first.standardError).toBeCloseTo(19.8286028, 6);
    const not = [...ends(5, 5, 8, 8, 12, 23, 27, 30, 33, 43, 45), ...hidden(16)];
    const second = restrictedMean(not, 45);
    expect(second.mean).toBeCloseTo(22.7083333, 6);
    expect(second.standardError).toBeCloseTo(4.1809419, 6);
  });

  it("is worked out by hand", () => {
    // 1 up to 10; ¾ up to 30 (one hidden at 20); then ¾·½ up to 60: 10 + 15 + 11.25.
    const spans = [...ends(10, 30, 90), ...hidden(20)];
    const { mean, standardError } = restrictedMean(spans, 60);
    expect(mean).toBeCloseTo(36.25, 12);
    // Areas after 10 and 30: 26.25²·1/(4·3) + 11.25²·1/(2·1).
    expect(standardError).toBeCloseTo(Math.sqrt(26.25 ** 2 / 12 + 11.25 ** 2 / 2), 12);
  });

  it("is the plain mean, capped, where nothing is hidden", () => {
    const durations = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(durations, (seconds) => {
        const plain = seconds.reduce((sum, one) => sum + Math.min(one, 60), 0) / seconds.length;
        expect(restrictedMean(ends(...seconds), 60).mean).toBeCloseTo(plain, 9);
      }),
      { seed: 20260702, numRuns: 200 },
    );
  });
});

describe("the diagnostics of a scorecard", () => {
  it("take what history hid as hidden from then on, whatever a model says", () => {
    const cut = { censoredAtMs: NOON_MS + 4 * MINUTE_MS, evidence: "modelled" } as const;
    const outcomes = [
      rolledBack(5, regression(8)),
      rolledBack(6, { ...regression(9), ...cut }),
      outcome({ ...regression(50), evidence: "bounded", recoveryBestMs: 2 * MINUTE_MS }),
      outcome({ ...regression(50), evidence: "unknown", proposedAtMs: NOON_MS + MINUTE_MS }),
      outcome({ ...regression(70), end: "missed" }),
      outcome(),
    ];
    const { kaplanMeier } = diagnosticsOf([outcomes]);
    expect(kaplanMeier).toMatchObject({ n: 5, censored: 3 });
    // Two are there at 8 min, one of them from then on: 8 + ½·52 min.
    expect(kaplanMeier.restrictedMean60m).toBeCloseTo((8 + 26) * 60, 9);
    expect(kaplanMeier.bias).toContain("dependent censoring");
    expect(recoveryCurve([outcomes])).toEqual([
      { seconds: 0, left: 1 },
      { seconds: 480, left: 0.5 },
    ]);
  });

  it("say nothing where no end was seen", () => {
    const cut = outcome({ ...regression(50), censoredAtMs: NOON_MS, evidence: "bounded" });
    for (const outcomes of [[], [outcome()], [cut]]) {
      const { restrictedMean60m, standardError } = diagnosticsOf([outcomes]).kaplanMeier;
      expect([restrictedMean60m, standardError]).toEqual([null, null]);
    }
  });

  it("are too long where history acts soonest on the largest", () => {
    // Ten regressions; this policy ends the large half after 5 min and the small after 30.
    // History hid the large ones at 4 min, so that only the small ones were seen to end.
    const large = Array.from({ length: 5 }, () =>
      rolledBack(5, { ...regression(5), censoredAtMs: NOON_MS + 4 * MINUTE_MS }),
    );
    const small = Array.from({ length: 5 }, () => rolledBack(30, regression(30)));
    const truth = ((5 + 30) / 2) * 60;
    const { restrictedMean60m } = diagnosticsOf([[...large, ...small]]).kaplanMeier;
    expect(restrictedMean60m).toBe(30 * 60);
    expect(restrictedMean60m).toBeGreaterThan(truth);
  });
});
