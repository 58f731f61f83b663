/**
 * The `metrics:` part of a config file: what is understood, what is refused and in which words;
 * and the little PromQL that has to be understood for it.
 */

import { describe, expect, it } from "vitest";
import {
  isRangeSelector,
  isSelector,
  keepServices,
  limitAge,
  ofServices,
} from "../../lab/shadow/source/promql.ts";
import { METRICS } from "../../lab/shadow/source/settings.ts";

const minimal = { url: "http://prometheus:9090/", queries: { latency_ms: "latency_ms" } };

describe("settings", () => {
  it("need an address and a query; everything else is inferred or has a default", () => {
    expect(METRICS.parse(minimal)).toEqual({
      url: "http://prometheus:9090",
      everyMs: 15_000,
      stepMs: 15_000,
      staleMs: 120_000,
      timeoutMs: 10_000,
      serviceLabel: "service",
      auth: null,
      headers: {},
      concurrency: 4,
      queries: [
        {
          metric: "latency_ms",
          role: "latency",
          confidence: 0.8,
          query: "latency_ms",
          isSelector: true,
          serviceLabel: "service",
          versionLabel: null,
          unit: "ms",
          worse: "up",
          kind: "latency",
        },
      ],
    });
  });

  const refused: readonly (readonly [object, RegExp])[] = [
    [{ url: "prometheus:9090" }, /expected an http/],
    [{ url: "http://me:secret@prometheus" }, /keep the password out of the address/],
    [{ url: "http://prometheus/?tenant=a" }, /without what follows \?/],
    [{ every: "often" }, /expected a duration such as 15s/],
    [{ auth: { bearer: "secret" } }, /expected/],
    [{ queries: {} }, /name at least one query/],
    [{ queries: { x: "x[5m]" } }, /without its \[range\]/],
    [{ queries: { requests_total: "rate(requests_total[1m])" } }, /gives a rate, not a counter/],
    [{ queries: { x: { query: "x", worse: "left" } } }, /./],
    [{ surprise: true }, /Unrecognized key/],
  ];
  it.each(refused)("refuse %j", (change, message) => {
    const { success, error } = METRICS.safeParse({ ...minimal, ...change });
    expect(success).toBe(false);
    expect(JSON.stringify(error!.issues)).toMatch(message);
  });
});

describe("PromQL", () => {
  it.each([
    ["up", true],
    ['up{job="a", path=~"/x{1,2}|}"}', true],
    ["{__name__='job:latency:p95'} # mine", false],
    ["{__name__='job:latency:p95'}", true],
    ["up[5m]", false],
    ["up offset 5m", false],
    ["sum(up)", false],
    ["sum by (service) (up)", false],
    ["up == 1", false],
    ["5", false],
  ])("%s: is it a selector? %s", (query, expected) => {
    expect(isSelector(query)).toBe(expected);
  });

  it.each([
    ["up[5m]", true],
    ['up{a="[5m]"}', false],
    ["rate(up[5m])", false],
  ])("%s: does it have a range? %s", (query, expected) => {
    expect(isRangeSelector(query)).toBe(expected);
  });

  const fresh = (selector: string): string =>
    `(${selector} and last_over_time(${selector}[45000ms]))`;
  it.each([
    ["a / b", `${fresh("a")} / ${fresh("b")}`],
    [
      'sum by (service) (a{x="b)"}) / on (service) group_left (team) max(c) by (service)',
      `sum by (service) (${fresh('a{x="b)"}')}) / on (service) group_left (team) ` +
        `max(${fresh("c")}) by (service)`,
    ],
    ["rate(a_total[1m])", "rate(a_total[1m])"],
    ["max_over_time(a[5m:1m])", `max_over_time(${fresh("a")}[5m:1m])`],
    ["a - a offset 1w", `${fresh("a")} - a offset 1w`],
    ["time() - timestamp(a) < bool 5e1", "time() - timestamp(a) < bool 5e1"],
    [
      "clamp_max(a, 1e3) unless absent(b) # and c",
      `clamp_max(${fresh("a")}, 1e3) unless absent(b) # and c`,
    ],
  ])("limits the age in %s", (query, expected) => {
    expect(limitAge(query, 45_000)).toBe(expected);
  });

  it("asks for some services, whatever their names are", () => {
    const names = ["shop", "a.b|c", 'd"e'];
    const pattern = '"shop|a\\\\.b\\\\|c|d\\"e"';
    expect(ofServices("up", "service", names)).toBe(`up{service=~${pattern}}`);
    expect(ofServices('up{job="x",}', "app", names)).toBe(`up{job="x",app=~${pattern}}`);
    expect(ofServices("up{ }", "app", names)).toBe(`up{app=~${pattern}}`);
    expect(keepServices("sum(x) # all", "app", ["shop", "$1"])).toBe(
      "(sum(x) # all\n) and on (app) " +
        '(label_replace(vector(1), "app", "shop", "", "") or ' +
        'label_replace(vector(1), "app", "$$1", "", ""))',
    );
  });
});
