/**
 * The metrics source against a real Prometheus that scrapes targets of this test: what was
 * served is what is read, at its own time, and what is dead is missing at once.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspect } from "../../lab/history/inspect.ts";
import { openHistory } from "../../lab/history/open.ts";
import { streamWindows } from "../../lab/history/windows.ts";
import type { Taken } from "../../lab/shadow/contract.ts";
import { prometheusSource } from "../../lab/shadow/source/prometheus.ts";
import { METRICS } from "../../lab/shadow/source/settings.ts";
import { systemClock } from "../../lab/shadow/systemClock.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import {
  serveTarget,
  startPrometheus,
  until,
  WITHOUT,
  type Prometheus,
  type Target,
} from "./prometheus.ts";

const NEVER = new AbortController().signal;
const noSecrets = (): string => "";

const QUERIES = {
  latency_ms: "latency_ms",
  requests_total: "requests_total",
  request_rate: "rate(requests_total[1s])",
  latency_p95_s: "histogram_quantile(0.95, rate(took_seconds_bucket[1s]))",
  share_used: "used / capacity",
  pushed: "max by (service) (pushed)",
};

describe.skipIf(WITHOUT !== "")(`a real Prometheus${WITHOUT}`, () => {
  let prometheus: Prometheus;
  let shop: Target;
  let cart: Target;
  let [cartIsDead, pushes] = [false, true];
  const settings = () =>
    METRICS.parse({ url: prometheus.url, every: "200ms", stale: "600ms", queries: QUERIES });
  const source = () => prometheusSource(settings(), noSecrets, systemClock);

  beforeAll(async () => {
    const page = (scrape: number) => ({
      latency_ms: 100 + scrape,
      requests_total: 10 * scrape,
      'took_seconds_bucket{le="0.1"}': 5 * scrape,
      'took_seconds_bucket{le="0.2"}': 10 * scrape,
      'took_seconds_bucket{le="+Inf"}': 10 * scrape,
      used: 3,
      capacity: 4,
    });
    shop = await serveTarget((scrape) => {
      // A time of its own makes a sample one that no stale marker ever ends.
      const pushed = pushes ? { pushed: `7 ${systemClock.wallMs()}` } : {};
      return { ...page(scrape), ...pushed };
    });
    cart = await serveTarget((scrape) => (cartIsDead ? null : page(scrape)));
    prometheus = await startPrometheus(
      { [shop.address]: { service: "shop" }, [cart.address]: { service: "cart" } },
      "200ms",
    );
    await until("enough was scraped", () => cart.served.length >= 10);
  });

  afterAll(async () => {
    await prometheus?.close();
    for (const target of [shop, cart]) target?.close();
  });

  it("gives every sample as it was served, at the time it was scraped", async () => {
    const toMs = systemClock.wallMs();
    const taken = await source().take(toMs - 60_000, toMs, NEVER);
    expect(taken.problems).toEqual([]);
    const { series, atMs, values } = column(taken, "cart", "latency_ms");
    expect(series).toEqual({
      service: "cart",
      metric: "latency_ms",
      role: "latency",
      version: null,
      percentagePoint: 0.01,
    });
    expect(column(taken, "cart", "requests_total").series.counter).toBe(true);
    // The newest scrape may be under way still.
    const served = cart.served.filter((one) => one.atMs <= toMs).slice(0, values.length);
    expect(values.length).toBeGreaterThanOrEqual(9);
    expect(values).toEqual(served.map((one) => one.values["latency_ms"]));
    // A scrape begins before it is answered, and here that takes no time.
    atMs.forEach((at, i) => expect(served[i]!.atMs - at).toBeLessThan(150));
  });

  it("gives the same samples however the time is cut, and the past of one service", async () => {
    // What came later than two scrapes ago may not be stored yet.
    const endMs = systemClock.wallMs() - 400;
    const [whole, parts] = [source(), source()];
    const all = await whole.take(endMs - 2_000, endMs, NEVER);
    const values: number[] = [];
    for (let from = endMs - 2_000; from < endMs; from += 400) {
      const part = await parts.take(from, from + 400, NEVER);
      values.push(...(find(part, "shop", "latency_ms")?.values ?? []));
    }
    const expected = column(all, "shop", "latency_ms").values;
    expect(values.slice(0, expected.length)).toEqual(expected);
    const past = await whole.takeOf(["shop"], endMs - 2_000, endMs, NEVER);
    expect(past.problems).toEqual([]);
    expect(new Set(past.columns.map(({ series }) => series.service))).toEqual(new Set(["shop"]));
    for (const metric of Object.keys(QUERIES)) {
      expect(column(past, "shop", metric)).toEqual(column(all, "shop", metric));
    }
  });

  it("reads expressions on a grid: a rate, a quantile, a share", async () => {
    const toMs = systemClock.wallMs();
    const taken = await source().take(toMs - 1_000, toMs, NEVER);
    const rate = column(taken, "shop", "request_rate");
    expect(rate.atMs.every((at) => at % 200 === 0 && at > toMs - 1_000 && at <= toMs)).toBe(true);
    expect(rate.atMs.length).toBe(5);
    // Ten requests a scrape, and a scrape each 200 ms.
    for (const value of rate.values) expect(Math.abs(value - 50)).toBeLessThan(15);
    for (const value of column(taken, "shop", "latency_p95_s").values) {
      expect(value).toBeCloseTo(0.19, 6);
    }
    expect(column(taken, "shop", "share_used").values).toEqual([0.75, 0.75, 0.75, 0.75, 0.75]);
  });

  it("sees at once that a target is dead, and after `stale` that a series ended", async () => {
    cartIsDead = true;
    pushes = false;
    const diedMs = systemClock.wallMs();
    await until("ten more scrapes of the living", () => {
      return shop.served.filter(({ atMs }) => atMs > diedMs).length >= 10;
    });
    const toMs = systemClock.wallMs();
    const taken = await source().take(diedMs - 1_000, toMs, NEVER);
    const lastOf = (service: string, metric: string): number =>
      column(taken, service, metric).atMs.at(-1)!;
    expect(lastOf("cart", "latency_ms")).toBeLessThanOrEqual(diedMs);
    // The failed scrape ends it; until then its last sample holds.
    expect(lastOf("cart", "share_used")).toBeLessThan(diedMs + 400);
    // Nothing ends this one: Prometheus alone would go on for five minutes.
    expect(lastOf("shop", "pushed")).toBeGreaterThan(diedMs - 400);
    expect(lastOf("shop", "pushed")).toBeLessThan(diedMs + 1_000);
    expect(lastOf("shop", "share_used")).toBeGreaterThan(toMs - 400);
  });

  it("imports the past as a history of the same samples, which inspect reads", async () => {
    const dir = temporaryDirectory();
    const [config, deployments, out] = ["shadow.yaml", "deployments.csv", "history"].map((name) =>
      join(dir, name),
    ) as [string, string, string];
    const metrics = { url: prometheus.url, every: "200ms", stale: "600ms", queries: QUERIES };
    const services = { shop: { team: "web", criticality: "high", dependsOn: ["cart"] }, cart: {} };
    writeFileSync(config, JSON.stringify({ act: false, metrics, services }));
    const toMs = systemClock.wallMs();
    const [from, to] = [toMs - 60_000, toMs].map((ms) => new Date(ms).toISOString());
    writeFileSync(deployments, `deployment_id,service,deployed_at,kind\nd1,shop,${to!},code\n`);
    const imported = await inTurn([
      ...["import", "prometheus", "--config", config, "--from", from!, "--to", to!],
      ...["--deployments", deployments, "--out", out, "--json"],
    ]);
    expect(imported).toMatchObject({ code: 0, stderr: "" });
    const said = JSON.parse(imported.stdout) as { samples: number };
    expect(said).toMatchObject({
      series: 11,
      deployments: { total: 1 },
      dropped: [],
      warnings: [expect.stringMatching(/^no deployment has a label/)],
    });
    const taken = await source().take(toMs - 60_000, toMs, NEVER);
    const history = await openHistory(out);
    try {
      for (const { series, service, metric } of history.series) {
        const request = { id: 0, series, fromMs: -Infinity, toMs: Infinity };
        for await (const { window } of streamWindows(history, [request])) {
          const { atMs, values } = column(taken, service, metric);
          expect([...window.atMs]).toEqual(atMs);
          expect([...window.knownAtMs]).toEqual(atMs);
          // What a FLOAT prints as it was read is stored as one.
          expect([...window.values].map(Math.fround)).toEqual(values.map(Math.fround));
        }
      }
      const catalog = history.tables.metricCatalog.map(({ metric, kind }) => [metric, kind]);
      expect(catalog).toContainEqual(["requests_total", "counter"]);
      expect(history.tables.services.map(({ service, team }) => [service, team])).toEqual([
        ["cart", null],
        ["shop", "web"],
      ]);
      expect((await inspect(history)).samples).toBe(said.samples);
    } finally {
      history.close();
    }
  });

  it("sends PromQL that Prometheus accepts, whatever the expression", async () => {
    const expressions = [
      "sum by (service) (used) / on (service) group_left () max(capacity) by (service)",
      "max by (service) (max_over_time(used[2s:200ms]))",
      "used - used offset 1s",
      "(time() - timestamp(used)) < bool 5e1",
      'clamp_max(used{service=~"sh.p|}"}, 1e3) unless absent(lost) # and more',
      "sum without (instance, job) (used @ end()) or vector(0) > 1",
      "{__name__=~'used|capacity', service='shop'} == 3",
    ];
    const queries = Object.fromEntries(expressions.map((text, i) => [`q${i}`, text]));
    const parsed = METRICS.parse({ url: prometheus.url, every: "200ms", queries });
    const asking = prometheusSource(parsed, noSecrets, systemClock);
    const toMs = systemClock.wallMs();
    for (const taken of [
      await asking.take(toMs - 1_000, toMs, NEVER),
      await asking.takeOf(["shop", 'odd"$1'], toMs - 1_000, toMs, NEVER),
    ]) {
      expect(taken.problems).toEqual([]);
      for (const i of expressions.keys()) expect(find(taken, "shop", `q${i}`)).toBeDefined();
    }
  });

  it("reports what Prometheus refuses, and still returns the rest", async () => {
    const parsed = METRICS.parse({
      url: prometheus.url,
      every: "200ms",
      queries: { good: "sum by (service) (latency_ms)", bad: "rate(latency_ms)", lost: "sum(up)" },
    });
    const toMs = systemClock.wallMs();
    const taken = await prometheusSource(parsed, noSecrets, systemClock).take(
      toMs - 2_000,
      toMs,
      NEVER,
    );
    expect(find(taken, "shop", "good")).toBeDefined();
    expect(taken.problems).toEqual([
      expect.stringMatching(/^bad: the metrics API refused with 400: .*parse error.*range vector/),
      expect.stringMatching(/^lost: \d+ samples? left out: the series has no label "service"/),
    ]);
  });
});

function find({ columns }: Taken, service: string, metric: string) {
  return columns.find(({ series }) => series.service === service && series.metric === metric);
}

function column(taken: Taken, service: string, metric: string) {
  const found = find(taken, service, metric);
  if (found === undefined) throw new Error(`there is ${service}/${metric}`);
  return found;
}
