/** What a minute of harm costs: by the revenue of its service, and of a spike by its size. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evaluate, type Evaluation } from "../../lab/compare/evaluate.ts";
import type { History } from "../../lab/history/open.ts";
import type { ServiceRow } from "../../lab/history/tables.ts";
import { sparedBy } from "../../lab/outcome/ending.ts";
import { silent } from "../../lab/progress.ts";
import {
  DEFAULT_COSTS,
  degradedMinuteOf,
  loadCosts,
  pricedFor,
  rollbackWorth,
  type Costs,
} from "../../lab/score/costs.ts";
import { estimateIn } from "../../lab/score/scorecard.ts";
import { tableOf } from "../../lab/sweep/rows.ts";
import { sumsOver, totalOf } from "../../lab/sweep/table.ts";
import { gather } from "../../lab/whatIf/material.ts";
import { WhatIfSession } from "../../lab/whatIf/session.ts";
import { temporaryDirectory } from "../directories.ts";
import { FULL, MINUTE_MS, minute, OBSERVE, tinyHistory } from "../history/tinyHistory.ts";
import { outcome, rolledBack } from "../outcome/outcomes.ts";

const PRICED: Costs = { ...DEFAULT_COSTS, perRevenue: 0.02 };

describe("a costs file", () => {
  it("prices harm by revenue where it says so, and not otherwise", () => {
    const file = join(temporaryDirectory(), "costs.yaml");
    writeFileSync(file, "perRevenue: 0.02\n");
    const costs = loadCosts(file);
    expect(costs).toEqual(PRICED);
    const services = [
      { service: "shop", revenuePerMinute: 2000 },
      { service: "wiki", revenuePerMinute: null },
      { service: "__proto__", revenuePerMinute: 50 },
      { service: "odd", revenuePerMinute: -5 },
    ];
    const minutes = (of: Costs): number[] =>
      [...services.map(({ service }) => service), "constructor"].map((service) =>
        degradedMinuteOf(service, of),
      );
    expect(minutes(pricedFor(services, costs))).toEqual([40, 10, 1, 10, 10]);
    expect(minutes(pricedFor(services, DEFAULT_COSTS))).toEqual([10, 10, 10, 10, 10]);
    expect(pricedFor(services, DEFAULT_COSTS)).toBe(DEFAULT_COSTS);
  });

  it("cannot name the price of a service itself", () => {
    const file = join(temporaryDirectory(), "costs.yaml");
    writeFileSync(file, "minuteByService: { shop: 1 }\n");
    expect(() => loadCosts(file)).toThrow(/costs.yaml:1:1: minuteByService: unknown key/);
  });
});

describe("the cost of a miss", () => {
  let history: History;
  let priced: History;
  beforeAll(async () => {
    history = await tinyHistory({
      shop: { slow: [3, 60], label: "regression", incident: [3, 60] },
      wiki: { slow: [3, 60], label: "regression", incident: [3, 60] },
      quiet: { label: "benign" },
    });
    const row = (service: string, revenuePerMinute: number | null): ServiceRow => ({
      ...{ service, team: null, criticality: null, timezone: null, dependsOn: [] },
      revenuePerMinute,
    });
    const services = [row("shop", 2000), row("wiki", null)];
    priced = { ...history, tables: { ...history.tables, services } };
  });
  afterAll(() => history.close());

  const evaluated = (past: History, costs: Costs): Promise<Evaluation> =>
    evaluate(past, [OBSERVE], {
      ...{ people: "absent", seed: 1, replicates: 100, progress: silent },
      costs,
    });
  const costOf = ({ policies }: Evaluation): number =>
    estimateIn(policies[0]!.scored.scorecard, "cost").value!;

  it("follows the revenue of its service, and the manifest has each price", async () => {
    // 57 minutes in each of two services; a page each (10, and a quarter of an hour at 60).
    const plain = await evaluated(priced, DEFAULT_COSTS);
    const dear = await evaluated(priced, PRICED);
    expect(costOf(dear) - costOf(plain)).toBeCloseTo(57 * (40 - 10), 6);
    expect(dear.manifest.costs).toEqual({ ...PRICED, minuteByService: { shop: 40 } });
    // Without the column nothing changes.
    expect(costOf(await evaluated(history, PRICED))).toBe(costOf(plain));
  });

  it("is the same in a sweep and in a what-if", async () => {
    const expected = costOf(await evaluated(priced, PRICED));
    const options = { people: "absent", seed: 1, replicates: 100, progress: silent, costs: PRICED };
    const { from, to } = priced.manifest;
    const edges = [Date.parse(from!), Date.parse(to!) + 1];
    const { table } = await tableOf(priced, [OBSERVE], edges, options);
    expect(totalOf(sumsOver(table, 0, 0, 1).cost)).toBeCloseTo(expected, 6);
    const material = await gather(priced, OBSERVE, "hold", 1, silent);
    const session = new WhatIfSession(priced, OBSERVE, material, options);
    expect(session.value(OBSERVE, OBSERVE).values.get("cost")).toBeCloseTo(expected, 6);
  });
});

describe("the cost of a spike", () => {
  it("follows its size", async () => {
    // When it was called a breach, the effect was 29.6 % where 20 % is tolerated.
    const history = await tinyHistory({ shop: { slow: [3, 30], label: "benign" } });
    const { policies } = await evaluate(history, [FULL], {
      ...{ people: "absent", seed: 1, replicates: 100, progress: silent },
    });
    history.close();
    const [spike] = [...policies[0]!.outcomes];
    expect(spike!.rolledBack).toBe(true);
    expect(spike!.sparedSize).toBeCloseTo(1.478, 3);
    const { spikeCost } = rollbackWorth(spike!, DEFAULT_COSTS);
    expect(spikeCost).toBeCloseTo((spike!.sparedMs! / MINUTE_MS) * 10 * spike!.sparedSize!, 5);
  });

  it("is the mean of the largest breach over the time, from 1 to 10", () => {
    const judged = (at: number, signal: string, effect: number | null) => ({
      knownAtMs: minute(at),
      evidence: { signal, verdict: effect === 0 ? "healthy" : "breach", effect, tolerance: 0.1 },
    });
    const sized = (...judgements: ReturnType<typeof judged>[]): unknown =>
      sparedBy({ judgements } as never, { times: { recoveryMs: null } } as never, minute(0));
    // Ten minutes at twice the tolerance, ten more at four times by another signal.
    expect(
      sized(judged(0, "a", 0.2), judged(10, "b", -0.4), judged(20, "a", 0), judged(20, "b", 0)),
    ).toEqual({ ms: 20 * MINUTE_MS, size: 3 });
    expect(sized(judged(0, "a", 99), judged(5, "a", 0))).toEqual({ ms: 5 * MINUTE_MS, size: 10 });
    expect(sized(judged(0, "a", 0.01), judged(5, "a", 0))).toMatchObject({ size: 1 });
    expect(sized(judged(0, "a", null), judged(5, "a", 0))).toMatchObject({ size: 1 });
    expect(sized(judged(0, "a", 0))).toEqual({ ms: 0, size: null });
  });

  it("of what was not rolled back is none, and of a regression has no size", () => {
    expect(rollbackWorth(outcome(), PRICED).spikeCost).toBeNull();
    const regression = rolledBack(5, { label: "regression", sparedMs: 10 * MINUTE_MS });
    expect(rollbackWorth(regression, DEFAULT_COSTS).spikeCost).toBe(100);
    const dear = pricedFor([{ service: "shop", revenuePerMinute: 2000 }], PRICED);
    expect(rollbackWorth(regression, dear).spikeCost).toBe(400);
  });
});
