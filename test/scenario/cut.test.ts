/** A deployment of a history as a scenario: it decides what the replay of that history does. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { formatTime } from "../../engine/index.ts";
import { checkScenario } from "../../lab/scenario/check.ts";
import { cutOut } from "../../lab/scenario/cut.ts";
import { cutText } from "../../lab/scenario/cutText.ts";
import { experimentDocument, experimentText, runScenario } from "../../lab/scenario/experiment.ts";
import { readScenario } from "../../lab/scenario/read.ts";
import { scenarioJsonSchema } from "../../lab/scenario/schema.ts";
import { starterText } from "../../lab/scenario/starter.ts";
import type { Samples } from "../../lab/scenario/samples.ts";
import { silent } from "../../lab/progress.ts";
import { temporaryDirectory } from "../directories.ts";
import { evaluated } from "../history/smallWorld.ts";
import {
  FULL,
  OVERRIDE,
  SHORT,
  START_MS,
  tinyHistory,
  writtenOut,
} from "../history/tinyHistory.ts";

const NONE: Samples = { of: () => Promise.reject(new Error("a cut needs no history")) };

const WINDOW = (length: string): string =>
  `  tiers: { override: { window: ${length}, onTimeout: rollback } }\n` +
  "  assign: [{ otherwise: override }]";

it("ends as the replay does, people's answers and tags with it", async () => {
  const slow = { slow: [3, 30] as const };
  const history = await tinyHistory({
    stopped: {
      ...slow,
      label: "benign",
      decisions: [
        [5, "proposed"],
        [8, "overrideGiven", "dana"],
      ],
      tags: [{ tag: "customer_commitment", value: "true", knownAtMs: START_MS - 60_000 }],
    },
    alone: { ...slow, label: "regression", incident: [3, 30] },
    calm: { label: "benign" },
  });
  try {
    for (const [policy, tiers] of [
      [FULL, "  assign: [{ otherwise: full }]"],
      [OVERRIDE, WINDOW("5m")],
      [SHORT, WINDOW("2m")],
    ] as const) {
      const { policies } = await evaluated(history, [policy], "recorded");
      for (const outcome of policies[0]!.outcomes) {
        // What people would have said whom nobody asked is unknown; a cut has nobody say it.
        const cut = await cutOut(history, outcome.deploymentId, policy);
        const file = join(temporaryDirectory(), "cut.yaml");
        writeFileSync(
          file,
          cutText(cut, writtenOut(policy.policy, tiers), "a test", policy.policy),
        );
        const scenario = readScenario(file);
        expect((await checkScenario(scenario, NONE)).unmet).toEqual([]);
        const { end, timesMs } = cut.run.happened;
        const missed = outcome.end === "missed" ? "healthy" : outcome.end;
        expect({ end, proposed: timesMs.proposed, executed: timesMs.executed }).toEqual({
          end: missed,
          proposed: outcome.proposedAtMs,
          executed: outcome.executedAtMs,
        });
      }
    }
    await expect(cutOut(history, "d-stoped", FULL)).rejects.toThrow(
      /there is no deployment d-stoped\n.*d-stopped/,
    );
  } finally {
    history.close();
  }
});

it("a starter passes, and runs as an experiment", async () => {
  const file = join(temporaryDirectory(), "starter.yaml");
  writeFileSync(file, starterText("a first one", file));
  const scenario = readScenario(file);
  expect((await checkScenario(scenario, NONE)).unmet).toEqual([]);
  const experiment = await runScenario(scenario, NONE, silent);
  const text = experimentText(experiment, true);
  expect(text).toMatch(/^Does silence in the override window/);
  expect(text).toMatch(/starter +│ rolledBack │ override │ 10:11:15 │ 10:14:45 +│ 1 paged/);
  expect(text).toContain("no override within 2m: proceeds");
  expect(experimentDocument(experiment)).toMatchObject({
    name: "a first one",
    policies: [
      { end: "rolledBack", times: { executed: formatTime(Date.UTC(2026, 2, 12, 10, 14, 45)) } },
    ],
  });
});

it("the schema for editors knows every key of a file", () => {
  const { properties } = scenarioJsonSchema() as { properties: Record<string, unknown> };
  for (const key of ["series", "history", "world", "policies", "expect", "seasons"]) {
    expect(properties).toHaveProperty(key);
  }
});
