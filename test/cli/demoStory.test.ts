/** The demo's screen, of the small world. The demo runs in test/install/package.live.test.ts. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { candidateOf, demoStory } from "../../lab/cli/demoStory.ts";
import { fitted } from "../../lab/cli/fit.ts";
import type { Evaluation } from "../../lab/compare/evaluate.ts";
import { announcedRollback, type AnnouncedRollback } from "../../lab/explain/announced.ts";
import { DEFAULT_BUDGET } from "../../lab/gate/budget.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { estimateIn } from "../../lab/score/scorecard.ts";
import type { Verdict } from "../../lab/server/contract/verdict.ts";
import { historySummary } from "../../lab/server/views/historySummary.ts";
import { verdictOf } from "../../lab/server/views/verdict.ts";
import { evaluated, HOOK_MS, shipped, smallHistory } from "../history/smallWorld.ts";

const NAMES = ["plain-window", "two-minute-override", "human-approval"];

let history: History;
let evaluation: Evaluation;
let verdict: Verdict;

beforeAll(async () => {
  history = await openHistory(await smallHistory());
  evaluation = await evaluated(history, NAMES.map(shipped), "modelled");
  const asked = { budget: DEFAULT_BUDGET, within: undefined, pairs: "baseline" } as const;
  verdict = await verdictOf(history, evaluation, NAMES, asked);
}, HOOK_MS);

afterAll(() => {
  history.close();
});

/** One of its deployments, with a story. */
function storyOf(justification: string | null): AnnouncedRollback {
  const { deploymentId, service, startedAtMs } = history.tables.deployments.at(0)!;
  const tag = { deploymentId, service, signal: null, validFromMs: null, validUntilMs: null };
  const given = { knownAtMs: startedAtMs - 7_200_000, givenBy: "dana@shop", approvedBy: null };
  const atMs = startedAtMs + 1_800_000;
  return {
    deploymentId,
    service,
    timezone: "Europe/Berlin",
    startedAtMs,
    tags: [
      { ...tag, ...given, tag: "expected_latency_increase", value: "15%" },
      { ...tag, ...given, tag: "migration_window", value: "true" },
    ],
    proposed: { deploymentId, atMs, what: "proposed", by: null, justification, confidence: null },
    rolledBackAtMs: atMs + 90_000,
  };
}

const screen = (story: AnnouncedRollback | null): string =>
  fitted(demoStory(evaluation, verdict, story).join("\n"), 80).replaceAll("\u00a0", " ");

describe("the demo's screen", () => {
  it("leaves room for commands on a terminal of 24 lines with 80 columns", () => {
    const lines = screen(storyOf("latency_p95_ms +27.8 %, 20 % tolerated, for 1m")).split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(18);
  });

  it("has the numbers of compare and the verdict of the web lab", () => {
    const text = screen(null).replace(/\s+/g, " ");
    const { scorecard } = evaluation.policies[0]!.scored;
    const wrong = Math.round(estimateIn(scorecard, "falsePositiveRollbacks").value!);
    const good = estimateIn(scorecard, "falsePositiveRate").n;
    expect(text).toContain(`rolls back ${wrong} of ${good} good deployments`);
    expect(text).toContain(`${verdict.title} ${verdict.sentence}`);
    expect(text).not.toContain("the rollback was wrong");
  });

  it("tells what people knew, and when, on the service's own clock", () => {
    const { deploymentId } = storyOf(null);
    const text = screen(storyOf(null)).replace(/\s+/g, " ");
    expect(text).toMatch(new RegExp(`\\d\\d:\\d\\d ${deploymentId} began .*\\(Europe/Berlin\\)`));
    expect(text).toContain(
      "dana@shop had tagged it 2 hours before: expected_latency_increase=15%, migration_window.",
    );
    expect(text).toMatch(/a rollback was proposed; nobody objected in 1m30s\./);
  });
});

it("tells of the deployment that the web lab links to", () => {
  const { deploymentId, rolledBackAtMs } = announcedRollback(history.tables)!;
  const linked = historySummary(history).announcedRollback!;
  expect(linked.deploymentId).toBe(deploymentId);
  expect(Date.parse(linked.rolledBackAt)).toBe(rolledBackAtMs);
});

describe("the policy that the demo tells of", () => {
  type Change = Pick<Verdict["changes"][number], "to" | "verdict">;

  function told(
    adopt: string | null,
    costs: readonly number[],
    changes: readonly Change[],
  ): number {
    const policies = [0, ...costs].map((value) => ({ scored: { scorecard: { cost: { value } } } }));
    const of = { policies } as unknown as Evaluation;
    return candidateOf(of, { adopt, changes } as unknown as Verdict);
  }
  const change = (to: string, its: Change["verdict"]): Change => ({ to, verdict: its });

  it("is the one to adopt, else the cheapest that the gate does not refuse", () => {
    const changes = [change("a", "inconclusive"), change("b", "fail"), change("c", "inconclusive")];
    expect(told("a", [3, 1, 2], changes)).toBe(1);
    expect(told(null, [3, 1, 2], changes)).toBe(3);
    expect(told(null, [3, 1], [change("a", "fail"), change("b", "fail")])).toBe(2);
  });
});
