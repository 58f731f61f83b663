/**
 * How often a finding would have happened: every deployment of a history is walked through the plan
 * of the incumbent, and what its queries answered is counted.
 */

import {
  answerOfIncumbent,
  causeOf,
  decidingFinding,
  lacksSides,
  LOOK_BACK_MS,
  matchesGlob,
  seriesKey,
  systemOf,
  walkIncumbent,
  type Answer,
  type Deployment,
  type IncumbentCause,
  type Policy,
  type Question,
  type SampleColumn,
} from "../../../engine/index.ts";
import type { Past } from "../../history/open.ts";
import type { DeploymentRow } from "../../history/tables.ts";
import { streamWindows, type WindowRequest } from "../../history/windows.ts";
import { incumbentText, type Bound } from "../import/policyFile.ts";
import { policyFromText } from "../load.ts";
import type { Linted, LintedPlan, LintFinding } from "./finding.ts";

/** In how many deployments something happened. */
export interface Happened {
  /** The deployments in which it did. */
  readonly deployments: number;
  /** Those of them that were rolled back for it; null where it decides nothing. */
  readonly rolledBack: number | null;
  /** So many deployments there are. */
  readonly of: number;
  /** The first of them by name, rolled-back ones before others. */
  readonly first: readonly string[];
}

/** What one query met in one deployment. */
interface Met {
  readonly deploymentId: string;
  readonly kinds: ReadonlySet<AnswerSort>;
  /** Why the plan rolled back, where this query decided it. */
  readonly cause: IncumbentCause | null;
}

type AnswerSort = "number" | "nan" | "none" | "failed";

/** By query, one entry for each deployment in which it was asked. */
export type Meetings = ReadonlyMap<string, readonly Met[]>;

const NAMED = 3;
/** So many deployments are read at once. */
const AT_ONCE = 500;

/** @param policy an incumbent's */
export async function meetingsOf(history: Past, policy: Policy): Promise<Meetings> {
  const met = new Map<string, Met[]>();
  const deployments = [...history.tables.deployments];
  for (let from = 0; from < deployments.length; from += AT_ONCE) {
    const some = deployments.slice(from, from + AT_ONCE);
    const columns = await columnsOf(history, policy, some);
    for (const [place, row] of some.entries()) walkOne(policy, row, columns[place]!, met);
  }
  return met;
}

async function columnsOf(
  history: Past,
  policy: Policy,
  deployments: readonly DeploymentRow[],
): Promise<readonly ReadonlyMap<string, SampleColumn>[]> {
  const { system, plan } = policy.incumbent!;
  const backMs = LOOK_BACK_MS + (systemOf(system).reachMs?.(plan) ?? 0);
  const watched = history.series.filter(({ metric }) =>
    policy.signals.some((signal) => matchesGlob(signal.metric, metric)),
  );
  const requests: (WindowRequest & { readonly of: number })[] = [];
  for (const [of, { service, startedAtMs }] of deployments.entries()) {
    for (const { series, service: its } of watched) {
      if (its !== service) continue;
      const span = { fromMs: startedAtMs - backMs, toMs: startedAtMs + policy.watchMs + 1 };
      requests.push({ id: requests.length, series, ...span, of });
    }
  }
  const columns = deployments.map(() => new Map<string, SampleColumn>());
  for await (const { id, window } of streamWindows(history, requests)) {
    const { series, of } = requests[id]!;
    const { service, metric, version } = history.series[series]!;
    // What a percentage point of it is says nothing about an answer.
    const name = { service, metric, version, percentagePoint: 1 };
    columns[of]!.set(seriesKey(name), { series: name, ...window });
  }
  return columns;
}

function walkOne(
  policy: Policy,
  row: DeploymentRow,
  columns: ReadonlyMap<string, SampleColumn>,
  met: Map<string, Met[]>,
): void {
  const { system, plan } = policy.incumbent!;
  const { deploymentId, service, startedAtMs } = row;
  const deployment: Deployment = { ...row, team: null, criticality: null };
  const kinds = new Map<string, Set<AnswerSort>>();
  let asked: { atMs: number; questions: Question[]; answers: Answer[] } = NOTHING_ASKED;
  const over = { startedAtMs, untilMs: startedAtMs + policy.watchMs, service };
  const walk = walkIncumbent(systemOf(system), plan, over, (question, atMs) => {
    const answer = answerOfIncumbent(policy, { columns }, deployment, question, atMs);
    if (asked.atMs !== atMs) asked = { atMs, questions: [], answers: [] };
    asked.questions.push(question);
    asked.answers.push(answer);
    const known = kinds.get(question.query);
    if (known === undefined) kinds.set(question.query, new Set([sortOf(answer)]));
    else known.add(sortOf(answer));
    return answer;
  });
  const sides = { version: deployment.version, columns: [...columns.values()] };
  // Of what the history cannot tell apart it cannot be said that it happened.
  if (lacksSides({ ...asked, ...sides }) !== undefined) return;
  const act = walk.acts.find((one) => one.act === "rollBack");
  const finding =
    act === undefined
      ? undefined
      : decidingFinding(
          policy,
          walk.findings.filter(({ atMs }) => atMs === act.atMs),
        );
  const cause = finding === undefined ? null : causeOf(finding, asked.questions, asked.answers);
  for (const [query, own] of kinds) {
    const decided = finding?.params["query"] === query;
    const entry = { deploymentId, kinds: own, cause: decided ? cause : null };
    const list = met.get(query);
    if (list === undefined) met.set(query, [entry]);
    else list.push(entry);
  }
}

const NOTHING_ASKED = { atMs: Number.NaN, questions: [], answers: [] };

function sortOf(answer: Answer): AnswerSort {
  if (answer.kind === "failed") return "failed";
  if (answer.series.length === 0) return "none";
  const isNaN = answer.series.every(({ values }) => values.every(Number.isNaN));
  return isNaN ? "nan" : "number";
}

/** What must have happened for a finding to matter; of every other code: that it was asked. */
const HAPPENS: ReadonlyMap<string, (met: Met) => boolean> = new Map([
  ...["errsOnEmptyAnswer", "failsOnEmptyAnswer", "succeedsWithoutData"].map(onNone),
  ...["silentWithoutData", "firesWithoutData"].map(onNone),
  ...["errsOnNaN", "failsOnNaN", "succeedsOnNaN", "firesOnNaN", "silentOnNaN"].map(
    (code): [string, (met: Met) => boolean] => [code, ({ kinds }) => kinds.has("nan")],
  ),
  ["errsOnHealthyAnswer", ({ kinds }) => kinds.has("number")],
  // An answer without data fails a check as a query does that failed.
  ["outageAborts", ({ kinds }) => kinds.has("none") || kinds.has("nan") || kinds.has("failed")],
]);

function onNone(code: string): [string, (met: Met) => boolean] {
  return [code, ({ kinds }) => kinds.has("none")];
}

/** Which causes of a rollback belong to a finding. */
const CAUSES: ReadonlyMap<string, readonly IncumbentCause[]> = new Map([
  ["errsOnEmptyAnswer", ["noData"]],
  ["failsOnEmptyAnswer", ["noData"]],
  ["errsOnNaN", ["noData"]],
  ["failsOnNaN", ["noData"]],
  ["firesOnNaN", ["noData"]],
  ["errsOnHealthyAnswer", ["conditionError"]],
  ["outageAborts", ["noData", "queryFailed"]],
]);

/**
 * @param queries those that the finding is about
 * @param of how many deployments the history has
 */
export function happenedOf(
  { code }: LintFinding,
  queries: readonly string[],
  meetings: Meetings,
  of: number,
): Happened {
  const happens = HAPPENS.get(code) ?? (() => true);
  const causes = CAUSES.get(code);
  /** By deployment: was it rolled back for it? */
  const found = new Map<string, boolean>();
  for (const query of queries) {
    for (const met of meetings.get(query) ?? []) {
      if (!happens(met)) continue;
      const isCause = met.cause !== null && causes?.includes(met.cause) === true;
      found.set(met.deploymentId, isCause || found.get(met.deploymentId) === true);
    }
  }
  const ids = [...found].toSorted(([, left], [, right]) => Number(right) - Number(left));
  return {
    deployments: found.size,
    rolledBack: causes === undefined ? null : ids.filter(([, isCause]) => isCause).length,
    of,
    first: ids.slice(0, NAMED).map(([id]) => id),
  };
}

export interface CountedFinding extends LintFinding {
  /** Null: no plan of the files asks its queries, because another part of it is refused. */
  readonly happened: Happened | null;
}

/** @param metricsOf by which metrics of the history the queries of a plan are answered */
export async function findingsIn(
  history: Past,
  { findings, plans }: Pick<Linted, "findings" | "plans">,
  watchMs: number,
  metricsOf: (plan: LintedPlan) => ReadonlyMap<string, Bound>,
): Promise<readonly CountedFinding[]> {
  const of = history.tables.deployments.length;
  const met: { readonly plan: LintedPlan; readonly meetings: Meetings }[] = [];
  for (const plan of plans) {
    const metrics = metricsOf(plan);
    const { policy } = plan;
    const lasts = { watchMs: plan.watchMs ?? watchMs };
    const text = incumbentText({ ...plan, ...lasts, owner: "lint", metrics, sources: [] });
    met.push({ plan, meetings: await meetingsOf(history, policyFromText(text, policy)) });
  }
  return findings.map((finding) => {
    const own = met.find(({ plan: { queries } }) =>
      finding.queries.every((query) => queries.some(({ name }) => name === query)),
    );
    const happened =
      own === undefined ? null : happenedOf(finding, finding.queries, own.meetings, of);
    return { ...finding, happened };
  });
}
