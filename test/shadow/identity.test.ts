/**
 * Production is a replay: what a live host decided, its journal decides again, and the history
 * made of the journal decides once more, through the whole of `replay`.
 */

import { join } from "node:path";
import { expect, it } from "vitest";
import { canonicalJson, FLEET, type DecisionRecord, type Policy } from "../../engine/index.ts";
import { logEntries } from "../../lab/audit/read.ts";
import { replayLog } from "../../lab/audit/replay.ts";
import { tossesOf } from "../../lab/compare/tosses.ts";
import { silent } from "../../lab/progress.ts";
import { importJournal } from "../../lab/shadow/journal/history.ts";
import { openHistory } from "../../lab/history/open.ts";
import { replayJournal } from "../../lab/shadow/journal/check.ts";
import { realDisk } from "../../lab/shadow/journal/disk.ts";
import { segmentsIn } from "../../lab/shadow/journal/segments.ts";
import { policyOf } from "../engine/policyFile.ts";
import { temporaryDirectory } from "../directories.ts";
import { evaluated, freshWorld } from "../history/smallWorld.ts";
import { liveIn } from "./worldStage.ts";

const DAY_MS = 86_400_000;
const SOAK = process.env["SOAK"] !== undefined;

/** A policy that acts explores as well: half of what it would do alone it puts off. */
const written = (season: boolean, act: boolean): Policy =>
  policyOf({
    policy: "live",
    owner: "platform",
    watch: "60m",
    signals: {
      latency: {
        metric: "latency_p95_ms",
        worse: "up",
        detector: { kind: "cusum", baseline: "60m", season },
        tolerance: "15%",
        hold: "60s",
        clear: "5m",
      },
      errors: {
        metric: "error_rate",
        worse: "up",
        detector: { kind: "threshold", breaches: 4, of: 5, baseline: "60m", season: false },
        tolerance: "1pp",
        hold: "60s",
      },
    },
    fusion: "any",
    tiers: {
      override: { window: "2m" },
      approve: { sla: "5m", escalate: [{ to: "senior", sla: "5m" }], onExpiry: "hold" },
    },
    assign: [
      { when: { kind: "config" }, tier: "full" },
      { when: { criticality: ["critical"] }, tier: "approve" },
      { otherwise: "override" },
    ],
    context: {
      expected_latency_increase: { signal: "latency", shifts: "tolerance", max: "50%", for: "2h" },
      customer_commitment: { tierAtLeast: "approve" },
    },
    guardrails: { rollbackBudget: { per: "service", max: 3, in: "24h" }, cooldown: "30m" },
    ...(act
      ? {
          hardGuard: { latency: { times: 4 }, errors: { over: "10%", times: 4 } },
          explore: { probability: "50%", upTo: 8, delay: "15m" },
        }
      : {}),
  });

/** By deployment, without the numbers of records and what was refused. */
type Decided = Map<string, string[]>;

interface Recorded {
  readonly decided: Decided;
  readonly records: number;
  readonly again: number;
}

function decidedIn(records: readonly DecisionRecord[], endsAtOnce: boolean): Decided {
  const found: Decided = new Map();
  for (const record of records) {
    const { deploymentId, decision, end } = record;
    if (deploymentId === FLEET || decision === "refused") continue;
    const list = found.get(deploymentId) ?? [];
    found.set(deploymentId, list);
    // When a rollback that nobody did would have finished, a replay can only guess.
    const isGuess = !endsAtOnce && (end === "rolledBack" || end === "rollbackFailed");
    const rest = { ...record, decisionId: "" };
    const said = isGuess ? "guessed" : end === "rolledBack" ? withoutEvidence(rest) : rest;
    list.push(canonicalJson([decision, end, said]));
  }
  return found;
}

/** What is seen after a rollback began is no evidence in a replay: the old version comes back. */
function withoutEvidence({ knownAtMs, tier, mode, reason, authority }: Partial<DecisionRecord>) {
  return { knownAtMs, tier, mode, reason, authority };
}

function readJournal(dir: string, act: boolean): Recorded {
  const all: DecisionRecord[] = [];
  let again = 0;
  segmentsIn(realDisk(), dir).forEach(({ log }, at, { length }) => {
    const { differences, decisions } = replayLog(log, at === length - 1);
    expect(differences).toEqual([]);
    again += decisions;
    for (const { entry } of logEntries(log, at === length - 1)) {
      if (entry.kind === "record") all.push(entry.content);
    }
  });
  // And from the samples, with baselines from the segments before.
  let judged = 0;
  for (const { replay } of act ? replayJournal(dir) : []) {
    expect(replay?.difference).toBeNull();
    judged += replay!.judgements;
  }
  expect(judged > 0).toBe(act);
  expect(all.some(({ coin }) => coin !== undefined)).toBe(act);
  return { decided: decidedIn(all, act), records: all.length, again };
}

async function compare(
  seed: number,
  days: number,
  act: boolean,
  season: boolean,
): Promise<Recorded> {
  const policy = written(season, act);
  const { world } = freshWorld(seed);
  const dir = join(temporaryDirectory(), "journal");
  const fromMs = world.startMs + 7 * DAY_MS;
  const lived = await liveIn(world, policy, dir, { fromMs, toMs: fromMs + days * DAY_MS, act });
  expect(lived.notes).toEqual([]);
  const recorded = readJournal(dir, act);
  expect(recorded.decided.size).toBe(lived.deployments);

  const out = join(temporaryDirectory(), "history");
  const { manifest } = await importJournal(dir, { out, force: false }, silent);
  expect(manifest.rows.deployments).toBe(lived.deployments);
  const history = await openHistory(out);
  try {
    const whats = new Set(history.tables.decisions.map(({ what }) => what));
    expect(whats.has("rollbackStarted")).toBe(act);
    // The coins of the host are in the history that its journal becomes.
    expect(tossesOf(history).size > 0).toBe(act);
    const evaluation = await evaluated(history, [policy], "recorded", 10);
    const replayed = decidedIn(evaluation.replay.policies[0]!.records, act);
    for (const [id, decisions] of recorded.decided) {
      expect(replayed.get(id), id).toEqual(decisions);
    }
    expect(replayed.size).toBe(recorded.decided.size);
  } finally {
    history.close();
  }
  return recorded;
}

it.each<readonly [string, boolean, boolean]>([
  ["rolls back", true, false],
  ["only records", false, false],
  ...(SOAK ? [["knows the season", true, true] as const] : []),
])(
  "a host that %s decides as the replay of its journal does",
  { timeout: 3_600_000 },
  async (_, act, season) => {
    let [deployments, records, again] = [0, 0, 0];
    for (const seed of SOAK ? Array.from({ length: 14 }, (_, at) => 7 + at) : [7]) {
      const recorded = await compare(seed, SOAK ? 14 : 1, act, season);
      deployments += recorded.decided.size;
      records += recorded.records;
      again += recorded.again;
    }
    console.info(`${deployments} deployments, ${records} records, ${again} made again: 0 differ`);
  },
);
