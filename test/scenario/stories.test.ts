/**
 * The shipped scenarios: each is met, and each policy in it is noticed when it is broken
 * on purpose, so that none of them passes whatever its policy does.
 */

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkScenario } from "../../lab/scenario/check.ts";
import { checkedText } from "../../lab/scenario/print.ts";
import { noticedOf } from "../../lab/scenario/mutations.ts";
import { readScenario, scenarioFiles } from "../../lab/scenario/read.ts";
import { withSamples, type Samples } from "../../lab/scenario/samples.ts";
import { HOOK_MS, ROOT } from "../history/smallWorld.ts";

const scenarios = scenarioFiles([join(ROOT, "scenarios")]).map(readScenario);
const inline = scenarios.filter(({ kind }) => kind === "inline");
const SOAK = process.env["SOAK"] === "1";
// That the world of versions is met, test/incumbents/kayenta/versions.test.ts shows.
const scored = scenarios.filter(
  ({ kind, source }) => kind === "scored" && (SOAK || !source.file.includes("incumbents")),
);
const NONE: Samples = { of: () => Promise.reject(new Error("one deployment needs no history")) };

const nameOf = ({ source }: (typeof scenarios)[number]): string => source.file.slice(ROOT.length);

describe("a deployment that is written out", () => {
  // That the intact ones are met, test/engine/traces.test.ts shows.
  it.each(inline.map((one) => [nameOf(one), one] as const))("%s", async (_, scenario) => {
    for (const { policy, by } of await noticedOf(scenario, NONE)) {
      expect(by, `${policy} can be broken and nothing is noticed`).not.toBeNull();
    }
  });
});

describe("many deployments", () => {
  it("are met, and notice a broken policy", { timeout: 2 * HOOK_MS }, async () => {
    expect(scored.length).toBeGreaterThan(3);
    await withSamples(async (samples) => {
      for (const scenario of scored) {
        const checked = await checkScenario(scenario, samples);
        expect(checked.unmet, checkedText(checked)).toEqual([]);
        // Each takes a replay: all of them under SOAK=1, one otherwise.
        const all = scenario.expected.map(({ policy }) => policy);
        const asked = SOAK ? all : scenario === scored[0] ? all.slice(-1) : [];
        for (const { policy, by } of await noticedOf(scenario, samples, asked)) {
          expect(by, `${nameOf(scenario)}: ${policy} can be broken unnoticed`).not.toBeNull();
        }
      }
    });
  });
});
