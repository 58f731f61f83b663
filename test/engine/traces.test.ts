/**
 * Every scenario of one deployment in test/traces and scenarios/stories, run as a live
 * host would: held against what it expects, and its trace compared with the text beside
 * it (stories: test/traces/stories).
 *
 * If this fails, run `npm run traces` and read the diff. Only commit the changes if
 * you understand what caused them and if they are desired.
 */

import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { deploymentDifferences } from "../../lab/scenario/expectation.ts";
import { clockTimes, runInline } from "../../lab/scenario/inline.ts";
import { readScenario } from "../../lab/scenario/read.ts";
import { traceText } from "../../lab/scenario/trace.ts";
import { runLive } from "./liveHost.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

describe.each([
  ["scenarios/stories", "test/traces/stories"],
  ["test/traces", "test/traces"],
])("%s", (folder, traces) => {
  const stories = readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".yaml"))
    .flatMap((file) => {
      const scenario = readScenario(join(ROOT, folder, file));
      return scenario.kind === "inline" ? [{ file, scenario }] : [];
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
