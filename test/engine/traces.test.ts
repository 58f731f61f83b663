/**
 * Every scenario in test/traces and scenarios/stories, run as a live host would, and
 * its trace compared with the text beside it (stories: test/traces/stories).
 *
 * If this fails, run `npm run traces` and read the diff. Only commit the changes if
 * you understand what caused them and if they are desired.
 */

import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { answerInTime, runLive } from "./liveHost.ts";
import { readScenario } from "./scenarioFile.ts";
import { outcomeOf, traceText } from "./traceText.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

describe.each([
  ["scenarios/stories", "test/traces/stories"],
  ["test/traces", "test/traces"],
])("%s", (folder, traces) => {
  const files = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(".yaml"));

  test.each(files)("%s", async (file) => {
    const scenario = readScenario(join(ROOT, folder, file));
    const answer = scenario.answersRollbacks ? () => null : answerInTime;
    const run = runLive(scenario.policy, scenario.events, answer);
    expect(outcomeOf(scenario, run)).toEqual(scenario.expect);
    const trace = join(ROOT, traces, `${basename(file, ".yaml")}.trace`);
    await expect(traceText(scenario, run)).toMatchFileSnapshot(trace);
  });
});
