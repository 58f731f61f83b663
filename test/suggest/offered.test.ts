/** What a sweep offers a policy to watch besides. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openHistory, type History } from "../../lab/history/open.ts";
import { silent } from "../../lab/progress.ts";
import { parseDimension, valueText, type Dimension } from "../../lab/sweep/dimension.ts";
import { signalsBeside } from "../../lab/suggest/offered.ts";
import { suggestPolicy, type Suggestion } from "../../lab/suggest/suggest.ts";
import { baseOf, variationsOf, type Base, type Design } from "../../lab/sweep/variations.ts";
import { HOOK_MS, smallHistory } from "../history/smallWorld.ts";

const GRID: Design = { kind: "grid", points: 0, seed: 1 };
const ONLY_P50 = `policy: only-p50
owner: team
watch: 60m
signals:
  latency:
    metric: latency_p50_ms
    tolerance: 20%
    detector: { kind: cusum }
    hold: 1m
assign: [{ otherwise: full }]
`;

let history: History;
let base: Base;
let draft: Suggestion;
let offered: Dimension;
beforeAll(async () => {
  history = await openHistory(await smallHistory());
  base = baseOf(ONLY_P50, "only-p50.yaml");
  draft = await suggestPolicy(history, { count: 1, per: "week" }, "team", silent);
  offered = signalsBeside(history, base, draft);
}, HOOK_MS);
afterAll(() => history.close());

const says = (dimension: Dimension): string[] =>
  dimension.values!.map((value) => valueText(dimension, value));

describe("signals that are offered", () => {
  it("are the policy as it is, each unwatched role alone, callers, and all of them", () => {
    const words = says(offered);
    expect(words[0]).toBe("as now");
    expect(words).toContain("+latency");
    expect(words).toContain("+errors");
    expect(words).toContain("+callers");
    expect(words.at(-1)!.split("+").slice(1).sort()).toEqual(
      words
        .slice(1, -1)
        .map((one) => one.slice(1))
        .sort(),
    );
  });

  it("leave the policy's own signals as they are, whatever the new ones are called", () => {
    const variations = variationsOf(base, [offered], GRID);
    expect(variations).toHaveLength(offered.values!.length - 1);
    for (const { policy, values, changes } of variations) {
      const own = policy.signals.find(({ name }) => name === "latency")!;
      const asked = values[0]!.includes("callers") ? ["own", "callers"] : ["own"];
      expect(own).toMatchObject({ ...base.policy.signals[0], of: asked });
      expect(changes).toEqual([{ path: "signals", from: "as now", to: values[0] }]);
    }
    const latency = variations.find(({ values }) => values[0] === "+latency")!;
    expect(latency.policy.signals.map(({ name }) => name)).toContain("latency_offered");
  });

  it("may be varied together with numbers of the policy, which lead into them", () => {
    const holds = parseDimension("signals.latency.hold=1m,5m");
    const variations = variationsOf(base, [offered, holds], GRID);
    expect(variations).toHaveLength(2 * offered.values!.length - 1);
    for (const { policy, values } of variations) {
      const found = policy.signals.find(({ name }) => name === "latency")!;
      const written = baseOf(ONLY_P50.replace("hold: 1m", `hold: ${values[1]!}`), "held.yaml");
      expect(found).toEqual({ ...written.policy.signals[0], of: found.of });
    }
  });

  it("are refused where the policy watches all of them", () => {
    const signals = Object.entries(offered.values!.at(-1) as Record<string, object>).map(
      ([name, signal]) => [name, { ...signal, of: ["own", "callers"] }] as const,
    );
    const text = JSON.stringify({ ...base.tree, signals: Object.fromEntries<object>(signals) });
    expect(() => signalsBeside(history, baseOf(text, "all.yaml"), draft)).toThrow(/watches all/);
  });
});
