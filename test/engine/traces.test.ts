/**
 * Every scenario of one deployment in test/traces, scenarios/stories and scenarios/agents, run as
 * a live host would: held against what it expects, and its trace compared with the text beside
 * it (stories and agents: in test/traces/stories and test/traces/agents).
 *
 * If this fails, run `npm run traces` and read the diff. Only commit the changes if
 * you understand what caused them and if they are desired.
 */

import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { deploymentDifferences } from "../../lab/scenario/expectation.ts";
import { clockTimes, runInline } from "../../lab/scenario/inline.ts";
import { readScenario, scenarioFiles } from "../../lab/scenario/read.ts";
import { traceText } from "../../lab/scenario/trace.ts";
import { runLive } from "./liveHost.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

describe.each([
  ["scenarios/stories", "test/traces/stories"],
  ["scenarios/agents", "test/traces/agents"],
  ["test/traces", "test/traces"],
])("%s", (folder, traces) => {
  const stories = scenarioFiles([join(ROOT, folder)])
    .filter((path) => dirname(path) === join(ROOT, folder))
    .flatMap((path) => {
      const scenario = readScenario(path);
      return scenario.kind === "inline" ? [{ file: basename(path), scenario }] : [];
    });

  test.each(stories)("$file", async ({ file, scenario }) => {
    const { inline, written } = scenario;
    const texts = scenario.policies.map(({ name, policy }) => {
      const run = runInline(inline, policy, runLive);
      for (const { expectation } of scenario.expected.filter((one) => one.policy === name)) {
        expect(deploymentDifferences(expectation, run.happened, clockTimes(inline))).toEqual([]);
      }
      const { startsAtMs } = inline;
      return traceText({ ...written, policy: name, startsAtMs }, run.host);
    });
    const trace = join(ROOT, traces, `${basename(file, ".yaml")}.trace`);
    await expect(texts.join("\n")).toMatchFileSnapshot(trace);
  });
});
