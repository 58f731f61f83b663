/**
 * A generated history against the policy that wrote it: replaying it must give what
 * was recorded, any part of it made alone must be the part of the whole, and the same
 * seed must give the same bytes.
 */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deploymentById } from "../../datasets/world/index.ts";
import type { Evaluation } from "../../lab/compare/evaluate.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import type { DecisionRow, HistoryManifest } from "../../lab/history/tables.ts";
import { logWorld } from "../../lab/simulate/log.ts";
import { temporaryDirectory } from "./directories.ts";
import { evaluated, freshWorld, generateSmall, HOOK_MS, shipped, timeless } from "./smallWorld.ts";

let manifest: HistoryManifest;
let history: History;
beforeAll(async () => {
  const dir = join(temporaryDirectory(), "history");
  manifest = await generateSmall(dir);
  history = await openHistory(dir);
}, HOOK_MS);
afterAll(() => history.close());

/** What the history says was done with one deployment, in order. */
function recordedOf(deploymentId: string): readonly DecisionRow[] {
  return history.tables.decisions.filter((row) => row.deploymentId === deploymentId);
}

function times(rows: readonly DecisionRow[], what: DecisionRow["what"]): readonly number[] {
  return rows.filter((row) => row.what === what).map(({ atMs }) => atMs);
}

describe("the logging policy over its own history", () => {
  let evaluation: Evaluation;
  beforeAll(async () => {
    evaluation = await evaluated(history, [shipped("incumbent")], "recorded");
  });

  it("the history has something of everything", () => {
    const whats = new Set(history.tables.decisions.map(({ what }) => what));
    for (const what of [
      "proposed",
      "overrideGiven",
      "approvalGiven",
      "rollbackFinished",
      "rollbackFailed",
    ] as const) {
      expect(whats).toContain(what);
    }
    expect(history.tables.labels.filter(({ label }) => label === "regression").length).toBe(26);
  });

  it("gives every recorded proposal, answer, rollback and page again", () => {
    const { records, commands } = evaluation.replay.policies[0]!;
    for (const { deploymentId } of history.tables.deployments) {
      const mine = records.filter((record) => record.deploymentId === deploymentId);
      const at = (wanted: (record: (typeof mine)[number]) => boolean): number[] =>
        mine.filter(wanted).map(({ knownAtMs }) => knownAtMs);
      const rows = recordedOf(deploymentId);
      const ordered = mine.filter(({ decision }) => decision === "rollbackOrdered");
      expect({
        deploymentId,
        proposed: at(({ decision }) => decision === "proposed"),
        overrideGiven: at(({ end }) => end === "overridden"),
        approvalGiven: ordered
          .filter(({ authority }) => !authority.startsWith("policy "))
          .map(({ knownAtMs }) => knownAtMs),
        rollbackStarted: ordered.map(({ knownAtMs }) => knownAtMs),
        rollbackFinished: at(({ end }) => end === "rolledBack"),
        rollbackFailed: at(({ end }) => end === "rollbackFailed"),
        paged: commands
          .filter((one) => one.kind === "page" && one.deploymentId === deploymentId)
          .map(({ askedAtMs }) => askedAtMs),
      }).toEqual({
        deploymentId,
        proposed: times(rows, "proposed"),
        overrideGiven: times(rows, "overrideGiven"),
        approvalGiven: times(rows, "approvalGiven"),
        rollbackStarted: times(rows, "rollbackStarted"),
        rollbackFinished: times(rows, "rollbackFinished"),
        rollbackFailed: times(rows, "rollbackFailed"),
        paged: times(rows, "paged"),
      });
    }
  });

  it("ends every regression when history did, and calls all of it observed", () => {
    const incidents = new Map(
      history.tables.incidents.map((incident) => [incident.deploymentId, incident]),
    );
    const { outcomes, scored } = evaluation.policies[0]!;
    for (const outcome of outcomes) {
      expect(outcome.evidence).toBe("observed");
      if (outcome.label !== "regression") continue;
      const incident = incidents.get(outcome.deploymentId);
      expect(outcome.onsetAtMs).toBe(incident?.onsetAtMs ?? null);
      expect(outcome.recoveredAtMs).toBe(incident?.resolvedAtMs ?? null);
    }
    expect(scored.scorecard.identifiedShare).toBe(1);
    expect(scored.scorecard.mttrBounds.best).toBe(scored.scorecard.mttr.value);
    expect(scored.scorecard.mttrBounds.worst).toBe(scored.scorecard.mttr.value);
  });

  it("shows a failed rollback as failed, and never as the end of a regression", () => {
    const failed = evaluation.policies[0]!.outcomes.filter(({ end }) => end === "rollbackFailed");
    expect(failed.length).toBe(
      history.tables.decisions.filter(({ what }) => what === "rollbackFailed").length,
    );
    expect(failed.every(({ rolledBack }) => !rolledBack)).toBe(true);
  });
});

describe("a part made alone", () => {
  it("decides about a deployment as the whole does", () => {
    // Every one in a world of its own, so nothing was asked before it.
    const asked = history.tables.deployments.filter(
      ({ deploymentId }, index) => index % 10 === 0 || recordedOf(deploymentId).length > 4,
    );
    expect(asked.length).toBeGreaterThan(12);
    for (const { deploymentId } of asked) {
      const { world, loggingPolicy } = freshWorld();
      const alone = logWorld(world, loggingPolicy).decisionsOf(
        deploymentById(world, deploymentId)!,
      );
      const order = (rows: readonly DecisionRow[]): string[] =>
        rows.map((row) => JSON.stringify(row)).sort();
      expect(order(alone)).toEqual(order(recordedOf(deploymentId)));
    }
  });

  it("refuses a logging policy with a season, which would need the week before", () => {
    const { world } = freshWorld();
    expect(() => logWorld(world, shipped("two-minute-override"))).toThrow(
      /two-minute-override uses a season\n {2}Set `season: false`/,
    );
  });
});

describe("the same seed", () => {
  it("gives the same history and the same comparison; another seed gives others", async () => {
    const policies = [shipped("naive-threshold"), shipped("tagged-threshold")];
    const first = timeless(await evaluated(history, policies));
    expect(timeless(await evaluated(history, policies))).toBe(first);

    const again = join(temporaryDirectory(), "again");
    expect((await generateSmall(again)).digest).toBe(manifest.digest);
    const opened = await openHistory(again);
    try {
      expect(timeless(await evaluated(opened, policies))).toBe(first);
    } finally {
      opened.close();
    }
    const other = await generateSmall(join(temporaryDirectory(), "other"), 8);
    expect(other.digest).not.toBe(manifest.digest);
  });
});
