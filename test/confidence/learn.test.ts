/** A confidence is learned from labels that were known, and never exceeds what they support. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { probabilityOf, supportedBy, type Seen } from "../../engine/index.ts";
import type { Case } from "../../lab/confidence/cases.ts";
import { learn } from "../../lab/confidence/learn.ts";
import { fitLogistic } from "../../lab/confidence/logistic.ts";
import { tenthsOf } from "../../lab/confidence/reliability.ts";
import { saidOf, walkForward } from "../../lab/confidence/walkForward.ts";
import { randomStream } from "../../lab/random.ts";
import { SEEN } from "./seen.ts";

const DAY_MS = 86_400_000;

function caseOf(at: number, isBad: boolean, seen: Partial<Seen> | null): Case {
  const one = seen === null ? null : { ...SEEN, ...seen };
  return {
    deploymentId: `d-${at}`,
    service: `s-${at % 7}`,
    ground: one === null ? "quiet" : "alarm",
    atMs: at * DAY_MS,
    seen: one === null ? [] : [one, one, one, one, null],
    label: isBad ? "regression" : "benign",
    knownAtMs: (at + 1) * DAY_MS,
  };
}

/** Effects above the tolerance are regressions more often; a third of all have no alarm. */
function history(length: number, seed: number): readonly Case[] {
  return Array.from({ length }, (_, at) => {
    const random = randomStream("cases", seed, at);
    if (random.chance(1 / 3)) return caseOf(at, random.chance(0.02), null);
    const excess = random.between(0, 3);
    return caseOf(at, random.chance(1 / (1 + Math.exp(4 - 2 * excess))), { excess });
  });
}

describe("logistic regression with a prior", () => {
  const rows = Array.from({ length: 40 }, (_, at) => [at % 8, (at * 7) % 5]);
  const isSo = rows.map(([first], at) => first! + ((at * 5) % 4) > 5);

  it("finds the minimum: no small step is better", () => {
    const model = fitLogistic(rows, isSo, [0, 0]);
    const sds = [0, 1].map((feature) => {
      const values = rows.map((row) => row[feature]!);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return Math.sqrt(values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / values.length);
    });
    const loss = (intercept: number, coefficients: readonly number[]): number =>
      rows.reduce((sum, row, at) => {
        const p = probabilityOf({ intercept, coefficients }, row);
        return sum - Math.log(isSo[at]! ? p : 1 - p);
      }, 0) +
      coefficients.reduce((sum, one, feature) => sum + (one * sds[feature]!) ** 2 / (2 * 0.04), 0);
    const least = loss(model.intercept, model.coefficients);
    const [a, b] = model.coefficients;
    for (const step of [-0.02, 0.02]) {
      expect(loss(model.intercept, [a! + step, b!])).toBeGreaterThan(least);
      expect(loss(model.intercept, [a!, b! + step])).toBeGreaterThan(least);
      expect(loss(model.intercept + step, [a!, b!])).toBeGreaterThan(least);
    }
  });

  it("keeps the direction that is given, against the data", () => {
    const down = fitLogistic(rows, isSo, [-1, 0]);
    expect(down.coefficients[0]).toBe(0);
    expect(fitLogistic(rows, isSo, [1, 0]).coefficients[0]).toBeGreaterThan(0.1);
    const isNot = isSo.map((so) => !so);
    expect(fitLogistic(rows, isNot, [1, 0]).coefficients[0]).toBe(0);
  });

  it("gives finite answers where a feature is constant or tells the classes apart", () => {
    const apart = fitLogistic(
      isSo.map((so) => [Number(so), 3]),
      isSo,
      [1, 1],
    );
    expect(apart.coefficients[1]).toBe(0);
    expect(probabilityOf(apart, [1, 3])).toBeGreaterThan(0.6);
    expect(probabilityOf(apart, [1, 3])).toBeLessThan(1);
  });
});

describe("a learned confidence", () => {
  it("does not exist with fewer than five regressions or five others", () => {
    const bad = (count: number) =>
      Array.from({ length: count }, (_, at) => caseOf(at, true, { excess: 3 }));
    const good = (count: number) =>
      Array.from({ length: count }, (_, at) => caseOf(at + 100, false, { excess: 0 }));
    expect(learn([]).of("alarm", SEEN, 0)).toBeNull();
    expect(learn([...bad(4), ...good(50)]).of("quiet", null, 0)).toBeNull();
    expect(learn([...bad(50), ...good(4)]).of("alarm", SEEN, 0)).toBeNull();
    expect(learn([...bad(5), ...good(5)]).of("alarm", SEEN, 0)).not.toBeNull();
    // Nobody saw anything ten minutes after these alarms.
    expect(learn([...bad(5), ...good(5)]).of("alarm", SEEN, 4)).toBeNull();
  });

  it("never exceeds what its regressions support: 74 % with ten, 95 % with 59", () => {
    expect(supportedBy(0)).toBe(0);
    expect(supportedBy(10)).toBeCloseTo(0.7411, 4);
    expect(supportedBy(58)).toBeLessThan(0.95);
    expect(supportedBy(59)).toBeGreaterThan(0.95);
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 200 }),
        fc.double({ min: 0, max: 3, noNaN: true }),
        (count, excess) => {
          const bad = Array.from({ length: count }, (_, at) => caseOf(at, true, { excess: 3 }));
          const good = Array.from({ length: 9 }, (_, at) => caseOf(at + 500, false, null));
          const said = learn([...bad, ...good]).of("alarm", { ...SEEN, excess }, 0)!;
          expect(said.value).toBeLessThanOrEqual(supportedBy(count));
          expect(said).toMatchObject({ cases: count, regressions: count });
        },
      ),
      { numRuns: 50, seed: 7 },
    );
  });

  it("never falls where an effect is larger, an alarm stands or a signal joins in", () => {
    const learned = learn(history(300, 1));
    const of = (seen: Partial<Seen>) => learned.of("alarm", { ...SEEN, ...seen }, 0)!.value;
    const amount = fc.double({ min: 0, max: 3, noNaN: true });
    fc.assert(
      fc.property(amount, amount, (one, other) => {
        const [low, high] = one < other ? [one, other] : [other, one];
        expect(of({ excess: high })).toBeGreaterThanOrEqual(of({ excess: low }));
        expect(of({ excess: low, standing: 1 })).toBeGreaterThanOrEqual(
          of({ excess: low, standing: 0 }),
        );
        expect(of({ accusing: ["latency", "errors"] })).toBeGreaterThanOrEqual(of({}));
      }),
      { numRuns: 50, seed: 7 },
    );
    expect(of({ excess: 3 }) - of({ excess: 0 })).toBeGreaterThan(0.3);
  });
});

describe("walk-forward", () => {
  it("says the same of a case, whatever labels become known after it", () => {
    const cases = history(120, 2);
    const half = 60;
    const altered = cases.map((one, at) =>
      at < half ? one : { ...one, label: "regression" as const },
    );
    for (const delay of [0, 3]) {
      const before = (said: ReturnType<typeof saidOf>) =>
        said.filter(({ deploymentId }) => Number(deploymentId.slice(2)) <= half);
      const early = before(saidOf(cases, delay)).map(({ said }) => said);
      expect(early.length).toBeGreaterThan(20);
      expect(before(saidOf(altered, delay)).map(({ said }) => said)).toEqual(early);
    }
    const later = saidOf(cases, 0).at(-1)!.said;
    expect(saidOf(altered, 0).at(-1)!.said).not.toBe(later);
  });

  it("says the same of a case, whatever its own label, even where that is known at once", () => {
    const cases = history(80, 2);
    const last = { ...cases.at(-1)!, knownAtMs: cases.at(-1)!.atMs };
    const early = { ...last, knownAtMs: last.atMs - DAY_MS };
    for (const own of [last, early]) {
      const said = (["regression", "benign"] as const).map((label) =>
        saidOf([...cases.slice(0, -1), { ...own, label }], 0).at(-1)!,
      );
      expect(said[0]!.deploymentId).toBe(last.deploymentId);
      expect(said[0]!.said).toBe(said[1]!.said);
    }
  });

  it("waits for labels that become known late", () => {
    const cases = history(120, 2);
    const late = cases.map((one) => ({ ...one, knownAtMs: 200 * DAY_MS }));
    const walked = walkForward(late, 1);
    expect([walked.tooEarly, walked.deployments]).toEqual([120, null]);
  });

  it("beats the share where the detectors saw something, inside its bands", () => {
    const { deployments, alarms } = walkForward(history(400, 3), 1);
    expect(deployments!.gain.high).toBeLessThan(-0.02);
    expect(alarms[0]!.scores!.gain.high).toBeLessThan(-0.01);
    expect(deployments!.logLoss).toBeLessThan(deployments!.baseLogLoss);
    expect(alarms[4]!.scores).toBeNull();
  });
});

describe("reliability by tenths", () => {
  const forecasts = Array.from({ length: 600 }, (_, at) => {
    const random = randomStream("forecasts", 1, at);
    const said = random.next();
    return { said, isSo: random.chance(said) };
  });

  it("is inside its bands where forecasts are right, and outside where they exaggerate", () => {
    const right = tenthsOf(forecasts, 1);
    expect(right.map(({ n }) => n).reduce((sum, n) => sum + n, 0)).toBe(600);
    expect(right.every(({ band }) => band!.isInside)).toBe(true);
    const exaggerated = forecasts.map(({ said, isSo }) => ({
      said: said < 0.5 ? said / 4 : 1 - (1 - said) / 4,
      isSo,
    }));
    expect(tenthsOf(exaggerated, 1).filter(({ band }) => band?.isInside === false)).toHaveLength(4);
  });

  it("shows no band for fewer than thirty cases", () => {
    const few = tenthsOf(forecasts.slice(0, 60), 1);
    expect(few.every(({ n, band }) => (band === null) === n < 30)).toBe(true);
    expect(tenthsOf([], 1)).toEqual([]);
    expect(tenthsOf([{ said: 1, isSo: true }], 1)).toMatchObject([{ from: 0.9, n: 1 }]);
  });
});
