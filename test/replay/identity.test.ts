/**
 * A generated history against the policy that wrote it: replaying it must give what
 * was recorded, any part of it made alone must be the part of the whole, and the same
 * seed must give the same bytes.
 */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deploymentById, METRICS, type Window } from "../../datasets/world/index.ts";
import { silent } from "../../lab/progress.ts";
import type { Evaluation } from "../../lab/compare/evaluate.ts";
import { openDuck, quoted } from "../../lab/history/duck.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import type { DecisionRow } from "../../lab/history/tables.ts";
import { generateHistory } from "../../lab/simulate/generate.ts";
import { logWorld } from "../../lab/simulate/log.ts";
import { temporaryDirectory } from "../directories.ts";
import {
  evaluated,
  freshWorld,
  generateSmall,
  HOOK_MS,
  shipped,
  smallHistory,
  timeless,
} from "../history/smallWorld.ts";

let whole: string;
let history: History;
beforeAll(async () => {
  whole = await smallHistory();
  history = await openHistory(whole);
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
    evaluation = await evaluated(history, [shipped("plain-window")], "recorded");
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

  it("writes a window that is the window of the whole, samples and tables", async () => {
    // From within an hour to within another, in the third week.
    const window = {
      fromMs: Date.UTC(2026, 9, 27, 7, 12, 30),
      toMs: Date.UTC(2026, 9, 30, 18, 0, 1),
    };
    const { world, loggingPolicy, sources } = freshWorld();
    const dir = join(temporaryDirectory(), "window");
    const about = { force: false, madeBy: "a test", sources, progress: silent, window };
    await generateHistory(world, loggingPolicy, dir, about);
    const minutes = Math.ceil(window.toMs / 60_000) - Math.ceil(window.fromMs / 60_000);
    const expected = world.services.length * METRICS.length * minutes;
    expect(await differingSamples(dir, whole, window)).toEqual({ kept: expected, different: 0 });

    const part = await openHistory(dir);
    const { tables } = part;
    part.close();
    const within = (atMs: number): boolean => atMs >= window.fromMs && atMs < window.toMs;
    const inWhole = history.tables.deployments.filter(({ startedAtMs }) => within(startedAtMs));
    const ids = new Set(inWhole.map(({ deploymentId }) => deploymentId));
    expect(ids.size).toBeGreaterThan(10);
    expect([...tables.deployments]).toEqual(inWhole);
    for (const name of ["labels", "decisions"] as const) {
      const rows: readonly { deploymentId: string }[] = history.tables[name];
      expect(tables[name]).toEqual(rows.filter(({ deploymentId }) => ids.has(deploymentId)));
    }
    expect(tables.decisions.length).toBeGreaterThan(10);
    expect(tables.tags.filter(({ deploymentId }) => deploymentId !== null)).toEqual(
      history.tables.tags.filter(({ deploymentId }) => ids.has(deploymentId ?? "")),
    );
    expect(tables.incidents).toEqual(
      history.tables.incidents.filter(({ incidentId, deploymentId, onsetAtMs, resolvedAtMs }) => {
        const caused = deploymentId ?? incidentId.replace(/^incident-/, "");
        if (history.tables.labels.some((label) => label.deploymentId === caused)) {
          return ids.has(caused);
        }
        return onsetAtMs < window.toMs && resolvedAtMs! > window.fromMs;
      }),
    );
    expect(tables.services).toEqual(history.tables.services);
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
    const again = join(temporaryDirectory(), "again");
    expect((await generateSmall(again)).digest).toBe(history.manifest.digest);
    const opened = await openHistory(again);
    try {
      expect(timeless(await evaluated(opened, policies))).toBe(first);
    } finally {
      opened.close();
    }
    const other = await generateSmall(join(temporaryDirectory(), "other"), 8);
    expect(other.digest).not.toBe(history.manifest.digest);
  });
});

/** Samples of two histories in a window: how many there are, and in how many they differ. */
async function differingSamples(
  part: string,
  all: string,
  { fromMs, toMs }: Window,
): Promise<{ kept: number; different: number }> {
  const duck = await openDuck({});
  const rows = (dir: string): string =>
    `SELECT * FROM (
       SELECT series, epoch_ms(start_at) + step_ms * unnest(range(len("values"))) AS at_ms,
              unnest("values") AS value
         FROM read_parquet(${quoted(join(dir, "metrics", "*.parquet"))})
     ) WHERE at_ms >= ${fromMs} AND at_ms < ${toMs}`;
  const counted = await duck.connection.runAndReadAll(
    `SELECT (SELECT count(*) FROM (${rows(part)})) AS kept,
            (SELECT count(*) FROM (${rows(part)} EXCEPT ALL ${rows(all)})) +
            (SELECT count(*) FROM (${rows(all)} EXCEPT ALL ${rows(part)})) AS different`,
  );
  duck.close();
  const [kept, different] = counted.getRowsJS()[0]!.map(Number);
  return { kept: kept!, different: different! };
}
