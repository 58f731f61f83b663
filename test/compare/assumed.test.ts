/** What a comparison takes for granted of draws and of doubts, on outcomes written by hand. */

import { expect, it } from "vitest";
import { differencesOf, type Difference } from "../../lab/compare/compare.ts";
import type { Evaluated } from "../../lab/compare/evaluate.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { randomStream } from "../../lab/random.ts";
import { shipped } from "../history/smallWorld.ts";
import {
  MINUTE_MS,
  NOON_MS,
  outcome,
  regression,
  rolledBack,
  scoreDraws,
  SCORING,
} from "../outcome/outcomes.ts";

function evaluatedOver(policy: string, draws: readonly (readonly Outcome[])[]): Evaluated {
  const plain = shipped("plain-window");
  return {
    policy: { ...plain, policy, digest: policy, watchMs: plain.watchMs + policy.length },
    outcomes: draws[0]!,
    draws,
    scored: scoreDraws(draws, { bootstraps: 400 }),
  };
}

function differenceOf(field: string, before: Evaluated, after: Evaluated): Difference {
  return differencesOf(before, after, { scoring: SCORING }).find((one) => one.field === field)!;
}

it.each([1, 8])(
  "deployments that are witnesses of their own have no design effect in %d draws",
  (count) => {
    const random = randomStream(5, "draws");
    const services = Array.from({ length: 120 }, (_, at) => `s${at}`);
    const draws = Array.from({ length: count }, () =>
      services.map((service) =>
        random.next() < 0.5
          ? rolledBack(5, { ...regression(7), service })
          : outcome({ ...regression(60), service, end: "missed" }),
      ),
    );
    const always = services.map((service) => rolledBack(5, { ...regression(7), service }));
    const before = evaluatedOver(
      "before",
      draws.map(() => always),
    );
    const { designEffect } = differenceOf("missRate", before, evaluatedOver("after", draws));
    // One deployment of each service: no two are alike.
    expect(designEffect).toBeGreaterThan(0.8);
    expect(designEffect).toBeLessThan(1.2);
  },
);

it("nobody can override a regression where nobody is asked, whatever history hid", () => {
  const services = Array.from({ length: 30 }, (_, at) => `s${at}`);
  const hidden: Partial<Outcome> = {
    ...regression(30),
    recoveryBestMs: 10 * MINUTE_MS,
    recoveryWorstMs: 60 * MINUTE_MS,
    evidence: "modelled",
    censoredAtMs: NOON_MS + 10 * MINUTE_MS,
  };
  const under = (policy: string, one: Partial<Outcome>): Evaluated =>
    evaluatedOver(policy, [services.map((service) => rolledBack(20, { ...one, service }))]);
  const known = under("known", regression(22));
  const overrides = (tier: Outcome["tier"]): Difference =>
    differenceOf("harmfulOverrides", known, under("hidden", { ...hidden, tier }));
  expect(overrides("full")).toMatchObject({ low: 0, high: 0 });
  expect(overrides("override")).toMatchObject({ low: 0, high: 30 });
  // Missed it may be all the same.
  const missRate = differenceOf("missRate", known, under("hidden", { ...hidden, tier: "full" }));
  expect(missRate).toMatchObject({ low: -3 / 30, high: 1 });
});
