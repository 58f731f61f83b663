/** What was put into the agent of a world comes out of its proposals, as the command counts. */

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import {
  createWorld,
  deploymentsBetween,
  NO_INTERVENTIONS,
  parseWorld,
  truthTables,
  type World,
} from "../../datasets/world/index.ts";
import { judgeAgents, type AgentJudged } from "../../lab/confidence/agents.ts";
import type { History } from "../../lab/history/open.ts";
import { small } from "./worlds.ts";

const FILE = "datasets/worlds/agent.yaml";
const WHOLE = readFileSync(new URL(`../../${FILE}`, import.meta.url), "utf8");
/** Three of ten weeks: the bands of the whole take seconds. */
const TEXT = WHOLE.replace("length: 10w", "length: 3w");

function judged(text: string): { readonly world: World; readonly agent: AgentJudged } {
  const world = createWorld(parseWorld(text, FILE), 7);
  const tables = truthTables(world, [], NO_INTERVENTIONS);
  const { agents } = judgeAgents({ tables, manifest: { digest: "" } as History["manifest"] }, 1);
  return { world, agent: agents[0]! };
}

describe("the agent of a world", () => {
  let shipped: ReturnType<typeof judged>;
  beforeAll(() => (shipped = judged(TEXT)));

  it("has the precision, recall, overconfidence and answers that the file says", () => {
    const { agent } = shipped;
    expect(agent.proposals).toBeGreaterThan(500);
    const { precision, recall, acceptedIfRight, acceptedIfWrong } = agent;
    for (const [share, put] of [
      [precision, 0.5],
      [recall, 0.9],
      [acceptedIfRight, 0.93],
      [acceptedIfWrong, 0.93],
    ] as const) {
      expect(share!.low).toBeLessThanOrEqual(put);
      expect(share!.high).toBeGreaterThanOrEqual(put);
    }
    // Of its doubt, a half on average, it leaves out 60 %.
    expect(agent.overconfidence).toBeCloseTo(0.3, 1);
    // It says two in three where it is right once in seven.
    const [tenth] = agent.tenths;
    expect(tenth!.observed).toBeLessThan(tenth!.mean - 0.3);
    expect(tenth!.band!.isInside).toBe(false);
    expect(agent.brier).toBeGreaterThan(agent.baseBrier!);
  });

  it("is calibrated where it leaves out no doubt", () => {
    const { agent } = judged(TEXT.replace("overconfidence: 60%", "overconfidence: 0%"));
    for (const { n, mean, observed } of agent.tenths) {
      expect(Math.abs(observed - mean)).toBeLessThan(4 * Math.sqrt(0.25 / n));
    }
    expect(agent.gain!.high).toBeLessThan(0);
  });

  it("changes nothing else of the world, and a world without one has no proposals", () => {
    const { world } = shipped;
    const without = createWorld(parseWorld(TEXT.replace(/^agent:\n( .*\n)+/m, ""), FILE), 7);
    const all = (one: World) => deploymentsBetween(one, null, one.startMs, one.endMs);
    expect(all(without)).toEqual(all(world));
    expect(truthTables(without, [], NO_INTERVENTIONS).proposals).toBeUndefined();
    expect(truthTables(small(), [], NO_INTERVENTIONS).proposals).toBeUndefined();
  });
});
