/** A scenario of one deployment and one policy, as the tests of the engine use it. */

import type { Policy } from "../../engine/index.ts";
import { runInline, type InlineRun } from "../../lab/scenario/inline.ts";
import { readScenario, type InlineScenario } from "../../lab/scenario/read.ts";
import { runLive } from "./liveHost.ts";

export interface Story {
  readonly scenario: InlineScenario;
  /** The only policy. */
  readonly policy: Policy;
  /** Runs it where nothing ambient answers. */
  readonly run: () => InlineRun;
}

export function readStory(file: string): Story {
  const scenario = readScenario(file);
  if (scenario.kind !== "inline" || scenario.policies.length !== 1) {
    throw new Error(`${file} is not of one deployment under one policy`);
  }
  const { policy } = scenario.policies[0]!;
  return { scenario, policy, run: () => runInline(scenario.inline, policy, runLive) };
}
