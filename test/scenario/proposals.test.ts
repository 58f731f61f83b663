/** Proposals of agents in scenario files: how they are told, and how people get them wrong. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Problem } from "../../lab/problem.ts";
import { silent } from "../../lab/progress.ts";
import { checkScenario } from "../../lab/scenario/check.ts";
import { cutOut } from "../../lab/scenario/cut.ts";
import { cutText } from "../../lab/scenario/cutText.ts";
import { experimentDocument, experimentText, runScenario } from "../../lab/scenario/experiment.ts";
import { readScenario } from "../../lab/scenario/read.ts";
import type { Samples } from "../../lab/scenario/samples.ts";
import { temporaryDirectory } from "../directories.ts";
import { evaluated, policyFile, ROOT } from "../history/smallWorld.ts";
import { tinyHistory, tinyPolicy, writtenOut } from "../history/tinyHistory.ts";

const NONE: Samples = { of: () => Promise.reject(new Error("no scenario here needs samples")) };
const agents = (name: string): string => join(ROOT, `scenarios/agents/${name}.yaml`);

function written(text: string): string {
  const file = join(temporaryDirectory(), "scenario.yaml");
  writeFileSync(file, text);
  return file;
}

const HELD = "deaf: healthy, asks: rolledBack, alone: rolledBack, held: healthy";

/** @param events the lines under `events:`, from line 12 on */
function scenario(events: readonly string[], ends = HELD): string {
  const expected = ends.split(", ").map((one) => one.replace(/: (.*)/, ": { end: $1 }"));
  return `name: an agent
why: It says what it says.
policies:
  deaf: ${policyFile("two-minute-override")}
  asks: ${agents("asks")}
  alone: ${agents("alone-from-80")}
  held: ${agents("alone-with-evidence")}
startsAt: 2026-03-12T09:00:00Z
deployment: { startedAt: "10:00" }
series: { latency_p95_ms: "240x480" }
events:
${events.map((event) => `  - ${event}`).join("\n")}
expect: { ${expected.join(", ")} }
`;
}

const SAYS = "agent: sre-agent, confidence: 85%";
const answered = (at: string, answer: string): string =>
  `answered: { at: "${at}", by: sam, answer: ${answer} }`;

describe("the story of an agent", () => {
  it("is told for each policy, as the engine judged it", async () => {
    const read = readScenario(
      written(
        scenario([
          `{ at: "10:05", proposal: { agent: sre-agent, confidence: 0.4 } }`,
          `{ at: "10:07", proposal: { ${SAYS}, ${answered("10:12", "accepted")} } }`,
        ]),
      ),
    );
    expect((await checkScenario(read, NONE)).unmet).toEqual([]);
    const ran = await runScenario(read, NONE, silent);
    const text = experimentText(ran, false);
    expect(text.slice(text.indexOf("10:05:00 sre")).split("\n")).toEqual([
      "10:05:00 sre-agent is 40 % sure that a rollback is right:",
      "  deaf   not heard: the policy names no agent",
      "  asks   refused: sre-agent is 40 % sure, 50 % asked of it",
      "  alone  refused: sre-agent is 40 % sure, 50 % asked of it",
      "  held   refused: sre-agent is 40 % sure, 50 % asked of it",
      "",
      "10:07:00 sre-agent is 85 % sure that a rollback is right:",
      "  deaf   not heard: the policy names no agent",
      "  asks   a person must agree; 10:12:00 approved by sam",
      "  alone  a person has 2m to object; 10:09:00 no override within 2m: proceeds",
      "  held   no signal of ours speaks against it: not acted on",
    ]);
    const { policies } = experimentDocument(ran) as {
      policies: { proposals: { became: string; proposalId: string }[] }[];
    };
    const became = policies.map(({ proposals }) => proposals.map((one) => one.became).join(", "));
    expect(became).toEqual([
      "unheard, unheard",
      "refused, asks",
      "refused, window",
      "refused, waits",
    ]);
    expect(policies[0]!.proposals[1]!.proposalId).toBe("sre-agent@2026-03-12T10:07:00Z");
    // A word that is heard and not acted on leaves no record, and is in the trace all the same.
    expect(experimentText(ran, true)).toContain(
      "10:07:00  d1  agentProposed by sre-agent, 85 % sure  nothing decided",
    );
  });

  it("has a person's no, and proposals about another deployment", async () => {
    const events = [
      `{ at: "10:01", deployment: { deploymentId: d2, service: other } }`,
      `{ at: "10:05", proposal: { ${SAYS}, ${answered("10:06", "rejected")} } }`,
      `{ at: "10:07", proposal: { ${SAYS}, deploymentId: d2 } }`,
    ];
    const ends = "deaf: healthy, asks: overridden, alone: overridden, held: healthy";
    const read = readScenario(written(scenario(events, ends)));
    expect((await checkScenario(read, NONE)).unmet).toEqual([]);
    const told = experimentText(await runScenario(read, NONE, silent), false);
    expect(told).toContain("10:06:00 overridden by sam: rejected what sre-agent proposed");
    expect(told).toContain("10:07:00 sre-agent is 85 % sure that a rollback of d2 is right:");
  });
});

function complaint(...events: readonly string[]): string[] {
  try {
    readScenario(written(scenario(events)));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.message.replace(/\S*\/(?=scenario\.yaml)/g, "").split("\n");
  }
  throw new Error("nothing is wrong with it");
}

describe("a wrong proposal", () => {
  it("is told at its place, with the cure", () => {
    const long = "x".repeat(1001);
    expect(
      complaint(
        `{ at: "10:05", proposal: { agnet: sre-agent, confidence: 95 } }`,
        `{ at: "10:05", proposal: { agent: "", confidence: 120%, action: scale } }`,
        `{ at: "10:05", proposal: { ${SAYS}, rationale: ${long}, answered: { by: sam } } }`,
        `{ at: "10:05", proposal: { ${SAYS} }, approval: { by: sam } }`,
      ),
    ).toEqual([
      "scenario.yaml:12:20: events.0.proposal.agent: expected a name",
      "  Write one of 1 to 200 characters, as the policy has it.",
      "scenario.yaml:12:50: events.0.proposal.confidence: expected how sure the agent says it is",
      "  Write 95% or 0.95: from 0 to 1.",
      "scenario.yaml:12:32: unknown key `agnet` in events.0.proposal",
      "  Did you mean `agent`?",
      "scenario.yaml:13:32: events.1.proposal.agent: expected a name",
      "  Write one of 1 to 200 characters, as the policy has it.",
      "scenario.yaml:13:61: events.1.proposal.action: only proposals to roll back can be judged",
      "  Write rollback, or nothing.",
      "scenario.yaml:13:43: events.1.proposal.confidence: expected how sure the agent says it is",
      "  Write 95% or 0.95: from 0 to 1.",
      "scenario.yaml:14:67: events.2.proposal.rationale: longer than 1000 characters",
      "  Shorten it; an import cuts it there.",
      "scenario.yaml:14:1081: events.2.proposal.answered.at: expected a time",
      "  Write 23:32, 23:32:15 or 2026-03-12T23:32:00Z.",
      "scenario.yaml:14:1081: events.2.proposal.answered.answer: not one of the words known here",
      "  Write accepted, rejected.",
      "scenario.yaml:15:5: events.3: several things happen in one event",
      "  Write an event for each.",
    ]);
  });

  it("is about a deployment that is known, and answered after it was made", () => {
    expect(
      complaint(
        `{ at: "10:10", deployment: { deploymentId: other-1 } }`,
        `{ at: "10:05", proposal: { ${SAYS}, deploymentId: other-2 } }`,
        `{ at: "10:05", proposal: { ${SAYS}, deploymentId: other-1 } }`,
        `{ at: "09:59", proposal: { ${SAYS}, ${answered("09:58", "accepted")} } }`,
      ),
    ).toEqual([
      "scenario.yaml:13:67: events.1.proposal.deploymentId: " +
        "there is no deployment other-2 in this scenario",
      "  Did you mean `other-1`?",
      "scenario.yaml:14:7: events.2.at: proposed before other-1 was known",
      "  Write 10:10:00 or later.",
      "scenario.yaml:15:7: events.3.at: proposed before d1 was known",
      "  Write 10:00:00 or later.",
      "scenario.yaml:15:79: events.3.proposal.answered.at: answered before it was proposed, 09:59",
      "  Write 09:59 or later.",
    ]);
  });
});

it("a deployment that is cut out of a history ends as in its replay", async () => {
  const listening = tinyPolicy(
    "listening",
    `agents: { sre: { from: 60%, aloneFrom: 90% } }
tiers: { override: { window: 5m, onTimeout: rollback } }
assign: [{ otherwise: override }]`,
  );
  const history = await tinyHistory({
    alone: { label: "benign", proposals: [[5, "sre", 0.92]] },
    asked: {
      label: "benign",
      proposals: [[5, "sre", 0.7]],
      decisions: [
        [5, "proposed"],
        [8, "approvalGiven", "sam"],
      ],
    },
    // What people answered to the proposal itself comes as long after the question.
    yes: { label: "benign", proposals: [[5, "sre", 0.7, "accepted"]] },
    no: { label: "benign", proposals: [[5, "sre", 0.7, "rejected"]] },
    deaf: { label: "benign", proposals: [[5, "other", 1]] },
  });
  try {
    const { policies } = await evaluated(history, [listening], "recorded");
    const ends: string[] = [];
    for (const { deploymentId, end, executedAtMs } of policies[0]!.outcomes) {
      const cut = await cutOut(history, deploymentId, listening);
      const file = written(cutText(cut, LISTENING, "a test", "listening"));
      const read = readScenario(file);
      expect((await checkScenario(read, NONE)).unmet).toEqual([]);
      expect([cut.run.happened.end, cut.run.happened.timesMs.executed]).toEqual([
        end,
        executedAtMs,
      ]);
      ends.push(`${deploymentId} ${end}`);
    }
    expect(ends.sort()).toEqual([
      "d-alone rolledBack",
      "d-asked rolledBack",
      "d-deaf healthy",
      "d-no overridden",
      "d-yes rolledBack",
    ]);
  } finally {
    history.close();
  }
});

const LISTENING = writtenOut(
  "listening",
  `  agents: { sre: { from: 60%, aloneFrom: 90% } }
  tiers: { override: { window: 5m, onTimeout: rollback } }
  assign: [{ otherwise: override }]`,
);
