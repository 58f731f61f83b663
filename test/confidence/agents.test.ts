/** Agents held against labels: every number from a history whose truth is known. */

import { afterAll, beforeAll, expect, it } from "vitest";
import { judgeAgents } from "../../lab/confidence/agents.ts";
import type { History } from "../../lab/history/open.ts";
import { agentsJudged } from "../../lab/server/contract/agents.ts";
import { inTurn } from "../commandLine.ts";
import { tinyHistory } from "../history/tinyHistory.ts";

let history: History;
beforeAll(async () => {
  history = await tinyHistory({
    bad: { label: "regression", proposals: [[5, "sre", 0.9, "accepted"]] },
    // Of two proposals about one deployment the first counts.
    twice: {
      label: "regression",
      proposals: [
        [5, "sre", 0.6, "rejected"],
        [9, "sre", 0.99, "accepted"],
      ],
    },
    missed: { label: "regression" },
    good: { label: "benign", proposals: [[5, "sre", 0.8, "accepted"]] },
    shock: { label: "unrelated_incident", proposals: [[5, "sre", 0.7]] },
    unlabelled: { proposals: [[5, "sre", 0.95, "accepted"]] },
    other: { label: "benign", proposals: [[3, "__proto__", 1]] },
  });
});
afterAll(() => history.close());

it("answers the page what the contract promises", () => {
  const document = { state: "ready", ...judgeAgents(history, 1) };
  expect(agentsJudged.parse(JSON.parse(JSON.stringify(document))).agents).toHaveLength(4);
});

it("tells how often an agent is right, how much it finds and how much too sure it is", () => {
  const { agents } = judgeAgents(history, 1);
  expect(agents.map(({ agent, kind }) => [agent, kind])).toEqual([
    ["__proto__", null],
    ["__proto__", "code"],
    ["sre", null],
    ["sre", "code"],
  ]);
  const sre = agents[2]!;
  expect([sre.proposals, sre.deployments]).toEqual([6, 5]);
  expect(sre.precision).toMatchObject({ value: 0.5, n: 4 });
  expect(sre.recall).toMatchObject({ value: 2 / 3, n: 3 });
  expect(sre.meanConfidence).toBeCloseTo(0.75, 12);
  expect(sre.overconfidence).toBeCloseTo(0.25, 12);
  // (.1² + .4² + .8² + .7²) / 4, beside always saying a half.
  expect(sre.brier).toBeCloseTo(0.325, 12);
  expect(sre.baseBrier).toBeCloseTo(0.25, 12);
  expect(sre.accepted).toMatchObject({ value: 0.8, n: 5 });
  expect(sre.acceptedIfRight).toMatchObject({ value: 2 / 3, n: 3 });
  expect(sre.acceptedIfWrong).toMatchObject({ value: 1, n: 1 });
  const at = (from: number) => sre.from.find((one) => one.from === from)!;
  expect(at(0.8).precision).toMatchObject({ value: 0.5, n: 2 });
  expect(at(0.9).recall).toMatchObject({ value: 1 / 3, n: 3 });
  expect(at(0.99).precision).toBeNull();
  expect({ ...sre, kind: "code" }).toEqual(agents[3]);
});

it("is told on the command line, as text and as JSON", async () => {
  const text = await inTurn(["agents", "--history", history.dir]);
  expect([text.code, text.stderr]).toEqual([0, ""]);
  expect(text.stdout.split("\n")[1]).toMatch(
    /^sre was right in [\d.]+ % of \d+ proposals?, and said/,
  );
  expect(text.stdout).toContain("do not show that a yes tells right from wrong");
  const { code, stdout } = await inTurn(["agents", "--history", history.dir, "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    manifest: { format: "hindsight-agents", history: history.manifest.digest, seed: 1 },
    agents: [{ agent: "__proto__" }, {}, { agent: "sre", overconfidence: 0.25 }, {}],
  });
});

it("says so where no agent proposed anything", async () => {
  const silent = await tinyHistory({ good: { label: "benign" } });
  silent.close();
  const { code, stdout } = await inTurn(["agents", "--history", silent.dir]);
  expect([code, stdout]).toEqual([0, expect.stringContaining("no proposals")]);
});
