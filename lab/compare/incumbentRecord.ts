/**
 * An incumbent's own record beside its emulation: where a history says what Argo Rollouts or
 * Flagger did, does the emulation do the same on the samples of that history?
 *
 * The first act of each counts: a rollback or a pause. Laws: only deployments whose end is recorded
 * are compared. What the emulation would have done after the record's rollback is a model, so it
 * counts neither as alike nor as different. A rollback for missing data is no agreement with one
 * on a number.
 */

import { median } from "simple-statistics";
import {
  formatDuration,
  formatTime,
  instantText,
  judgementsOf,
  type ArgoPlan,
  type IncumbentKind,
  type IncumbentPolicy,
  type Policy,
  type SignalJudged,
} from "../../engine/index.ts";
import { counted, countText } from "../counted.ts";
import { getOrMake } from "../getOrMake.ts";
import type { DecisionRow, HistoryTables } from "../history/tables.ts";
import type { PlannedDeployment } from "../replay/plan.ts";
import type { Replay } from "../replay/replay.ts";
import { isWithin, type Within } from "./within.ts";

/** As whom a record names each system, in `by` and before the first `/` of a deployment's id. */
const NAMES: ReadonlyMap<IncumbentKind, string> = new Map([
  ["argo", "argo-rollouts"],
  ["flagger", "flagger"],
  ["kayenta", "kayenta"],
  ["prometheus", "prometheus"],
]);

/** So many of those that differ are listed; all of them are counted. */
const LISTED_AT_MOST = 50;
/** The words of another system are text from outside: more of it than this is cut. */
const REASON_AT_MOST = 200;

/**
 * What was first done about a deployment, by the record or by the emulation. `kept`: neither rolled
 * back nor paused; the record says that it was promoted. `noAnswer`: no query of the emulation had
 * an answer, so it decided nothing.
 */
type RecordedAct = "rolledBack" | "paused" | "kept";

export interface RecordEnd {
  readonly end: RecordedAct | "noAnswer";
  /** In ISO 8601; null: nothing was done. */
  readonly at: string | null;
  readonly reason: string | null;
}

/**
 * What can explain that they differ.
 * - `noData`: the queries of the emulation had no answer in this history.
 * - `otherQuery`: the record names a metric that the policy does not ask.
 * - `byHand`: the record's abort names no analysis, so a person may have given it.
 * - `watchOver`: the record decided after the policy's watch.
 * - `longer`: the emulation acted after the record had promoted, so its steps take longer.
 * - `unexplained`: another query, limit or sample than the ones the system itself had.
 */
export type WhyDifferent =
  "noData" | "otherQuery" | "byHand" | "watchOver" | "longer" | "unexplained";

export interface Differing {
  readonly deploymentId: string;
  readonly why: WhyDifferent;
  readonly record: RecordEnd;
  readonly emulation: RecordEnd;
}

/** How one emulation agrees with the record of the system it stands for. */
export interface RecordAgreement {
  readonly policy: string;
  readonly system: IncumbentKind;
  /** Null: the history records nothing of this system. */
  readonly record: {
    /** Deployments that the record says the end of. */
    readonly decided: number;
    /** Deployments that it saw begin, without an end: they are not compared. */
    readonly unended: number;
    readonly alike: {
      readonly rolledBack: number;
      readonly paused: number;
      readonly kept: number;
    };
    /** Between the two times, of rollbacks and pauses that are alike; null without any. */
    readonly apartMedianSeconds: number | null;
    /** The emulation rolls back as well, but later, on samples that the record's rollback hid. */
    readonly later: number;
    readonly different: number;
    readonly differing: readonly Differing[];
  } | null;
}

/**
 * One entry for each policy that is an incumbent.
 *
 * @param replayed decided on what history shows in `policies`, and continued by a model in `draws`
 */
export function agreementsOf(
  tables: Pick<HistoryTables, "deployments" | "decisions">,
  policies: readonly Policy[],
  replayed: Replay,
  within: Within | undefined,
): readonly RecordAgreement[] {
  return policies.flatMap((policy, index): RecordAgreement[] => {
    const system = policy.incumbent?.system;
    if (system === undefined) return [];
    const about = { policy: policy.policy, system };
    const { ends, unended } = recordOf(tables, NAMES.get(system)!, within);
    if (ends.size + unended === 0) return [{ ...about, record: null }];
    const alike = { rolledBack: 0, paused: 0, kept: 0 };
    const apartMs: number[] = [];
    const differing: Differing[] = [];
    let later = 0;
    for (const [deploymentId, record] of ends) {
      const place = replayed.plan.places.get(deploymentId)!;
      const planned = replayed.plan.deployments.at(place)!;
      const emulation = emulated(replayed.policies[index]!.judged[place]!, planned);
      const why = difference(policy, planned, record, emulation);
      if (why === null) {
        alike[record.end]++;
        if (emulation.atMs !== null) apartMs.push(Math.abs(emulation.atMs - record.atMs));
        continue;
      }
      const drawn = emulated(replayed.draws[0]![index]!.judged[place]!, planned);
      if (isLater(record, emulation, drawn)) later++;
      else differing.push({ deploymentId, why, record: told(record), emulation: told(emulation) });
    }
    const record = {
      decided: ends.size,
      unended,
      alike,
      apartMedianSeconds: apartMs.length === 0 ? null : median(apartMs) / 1000,
      later,
      different: differing.length,
      differing: differing.slice(0, LISTED_AT_MOST),
    };
    return [{ ...about, record }];
  });
}

/** What was done, when and why; `atMs` null: nothing was. */
interface Done {
  readonly end: RecordEnd["end"];
  readonly atMs: number | null;
  readonly reason: string | null;
}

interface RecordedEnd extends Done {
  readonly end: RecordedAct;
  readonly atMs: number;
}

interface Recorded {
  readonly ends: ReadonlyMap<string, RecordedEnd>;
  readonly unended: number;
}

function told({ end, atMs, reason }: Done): RecordEnd {
  return { end, at: atMs === null ? null : formatTime(atMs), reason };
}

/** What the record says of each deployment, in the order of the deployments. */
function recordOf(
  { deployments, decisions }: Pick<HistoryTables, "deployments" | "decisions">,
  name: string,
  within: Within | undefined,
): Recorded {
  const own = new Map<string, DecisionRow[]>();
  for (const row of decisions) {
    if (row.by?.toLowerCase() !== name) continue;
    getOrMake(own, row.deploymentId, () => []).push(row);
  }
  const ends = new Map<string, RecordedEnd>();
  let unended = 0;
  for (const { deploymentId, startedAtMs, finishedAtMs } of deployments) {
    if (!isWithin(within, startedAtMs)) continue;
    const acts = (own.get(deploymentId) ?? []).filter(
      ({ what }) => what === "proposed" || what === "rollbackStarted",
    );
    if (acts.length > 0) {
      const first = acts.reduce((one, other) => (other.atMs < one.atMs ? other : one));
      const end = first.what === "proposed" ? "paused" : "rolledBack";
      ends.set(deploymentId, { end, atMs: first.atMs, reason: cut(first.justification) });
    } else if (deploymentId.startsWith(`${name}/`)) {
      if (finishedAtMs === null) unended++;
      else ends.set(deploymentId, { end: "kept", atMs: finishedAtMs, reason: null });
    }
  }
  return { ends, unended };
}

function cut(text: string | null): string | null {
  if (text === null || text.length <= REASON_AT_MOST) return text;
  return `${text.slice(0, REASON_AT_MOST - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** What the emulation did, with the judgement that says why. */
interface Emulated extends Done {
  readonly isBlind: boolean;
}

function emulated(
  judged: Parameters<typeof judgementsOf>[0],
  { deployment }: PlannedDeployment,
): Emulated {
  const judgements = judgementsOf(judged, deployment);
  const act = judgements.find(({ cause }) => cause === "sample");
  if (act === undefined) {
    const isBlind = judgements.every(({ evidence }) => evidence.verdict === "noData");
    return { end: isBlind ? "noAnswer" : "kept", atMs: null, reason: null, isBlind };
  }
  const { verdict, reason } = act.evidence;
  const end = verdict === "breach" ? "rolledBack" : "paused";
  return { end, atMs: act.atMs, reason: cut(reason), isBlind: isForMissingData(act) };
}

function isForMissingData({ evidence: { cause } }: SignalJudged): boolean {
  return cause === "noData" || cause === "queryFailed";
}

/** Null: they end alike. */
function difference(
  { watchMs, incumbent }: Policy,
  { deployment }: PlannedDeployment,
  record: RecordedEnd,
  emulation: Emulated,
): WhyDifferent | null {
  const named = namedBy(record.reason);
  // The record says that a number was bad, and here there was none.
  const isOther = emulation.isBlind && named?.phase === "Failed";
  if (record.end === emulation.end && !isOther) return null;
  if (emulation.isBlind) return "noData";
  if (record.end === "kept") return emulation.atMs! > record.atMs ? "longer" : "unexplained";
  if (record.atMs > deployment.startedAtMs + watchMs) return "watchOver";
  if (named !== null && !metricsOf(incumbent!).has(named.metric)) return "otherQuery";
  const isArgos = incumbent!.system === "argo" && record.end === "rolledBack";
  return isArgos && named === null ? "byHand" : "unexplained";
}

/** The names of what it measures: in Argo those of metrics, which may share a query. */
function metricsOf({ system, queries, plan }: IncumbentPolicy): ReadonlySet<string> {
  const names = queries.map(({ name }) => name);
  if (system !== "argo") return new Set(names);
  const { steps, background } = plan as ArgoPlan;
  const analyses = steps.flatMap((step) => (step.kind === "analysis" ? [step.analysis] : []));
  if (background !== null) analyses.push(background.analysis);
  return new Set([...names, ...analyses.flatMap(({ metrics }) => metrics.map(({ name }) => name))]);
}

/** The metric that Argo's message names: `Metric "latency" assessed Failed due to …`. */
function namedBy(
  reason: string | null,
): { readonly metric: string; readonly phase: string } | null {
  const [, metric, phase] = /\bMetric "([^"]+)" assessed ([A-Z][a-z]+)/.exec(reason ?? "") ?? [];
  return metric === undefined || phase === undefined ? null : { metric, phase };
}

function isLater(record: RecordedEnd, emulation: Emulated, drawn: Emulated): boolean {
  if (record.end !== "rolledBack" || emulation.end !== "kept") return false;
  return drawn.end === "rolledBack" && !drawn.isBlind;
}

// ── In words ───────────────────────────────────────────────────────────────────

const WHY_TEXTS: Readonly<Record<WhyDifferent, string>> = {
  noData: "this history has no answer to its queries there",
  otherQuery: "the record names a metric that the policy does not ask",
  byHand: "the record names no analysis, so a person may have aborted",
  watchOver: "the policy's watch was over",
  longer: "the record had promoted before, so the policy's steps take longer",
  unexplained: "another query, limit or sample than the system itself had",
};

export function whyText(why: WhyDifferent): string {
  return WHY_TEXTS[why];
}

const END_TEXTS: Readonly<Record<RecordEnd["end"], string>> = {
  rolledBack: "rolled back",
  paused: "paused",
  kept: "kept",
  noAnswer: "no answer",
};

/** `rolled back at 2026-09-07 19:27:15 UTC`; of a record, `promoted at …`. */
export function endText({ end, at }: RecordEnd): string {
  if (at === null) return END_TEXTS[end];
  const seconds = Math.round(Date.parse(at) / 1000);
  return `${end === "kept" ? "promoted" : END_TEXTS[end]} at ${instantText(seconds * 1000)}`;
}

/** `argo against the record of Argo Rollouts: of 7 deployments 5 end alike (…), 2 differ.` */
export function agreementText({ policy, system, record }: RecordAgreement): string {
  if (record === null) {
    return (
      `${policy}: this history has no record of what ${NAMES.get(system)!} decided, ` +
      "so nothing tells how well it is emulated."
    );
  }
  const { decided, unended, alike, apartMedianSeconds, later, different } = record;
  const kinds = (["rolledBack", "paused", "kept"] as const).filter((end) => alike[end] > 0);
  const which = kinds.map((end) => `${countText(alike[end])} ${END_TEXTS[end]}`).join(", ");
  const both = kinds.reduce((sum, end) => sum + alike[end], 0);
  const apart =
    apartMedianSeconds === null
      ? ""
      : `; median ${formatDuration(Math.round(apartMedianSeconds) * 1000)} apart`;
  const open =
    later === 0
      ? ""
      : ` In ${countText(later)} the record rolled back first; by the model of what followed, ` +
        `${policy} would have later.`;
  const lost = unended === 0 ? "" : ` How ${counted(unended, "other")} ended is not recorded.`;
  return (
    `${policy} beside the record of ${NAMES.get(system)!}: of ${counted(decided, "deployment")} ` +
    `${countText(both)} ${both === 1 ? "ends" : "end"} alike` +
    `${both === 0 ? "" : ` (${which}${apart})`}, ` +
    `${countText(different)} ${different === 1 ? "differs" : "differ"}.${open}${lost}`
  );
}

/** For a terminal: how well each incumbent is emulated, and the first that differ. */
export function agreementLines(
  agreements: readonly RecordAgreement[],
  named: number,
): readonly string[] {
  return agreements.flatMap((one) => [
    agreementText(one),
    ...(one.record?.differing ?? [])
      .slice(0, named)
      .map(
        ({ deploymentId, why, record, emulation }) =>
          `  ${deploymentId}: ${endText(record)}; emulated: ` +
          `${endText(emulation)} (${whyText(why)})`,
      ),
  ]);
}
