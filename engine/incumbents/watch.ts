/**
 * The watch of an incumbent: it steps the system on the samples of one deployment, and turns what
 * the system does into judgements, so that the one machine decides for it as for any policy.
 *
 * A rollback is a breach of the query that decided it, and a pause is inconclusive. At the end of
 * the watch a query that was answered and did not fail is healthy. A query without any answer is
 * `noData`, also where the system itself would call that a success: no evidence is never health.
 */

import { assert } from "../assert.ts";
import {
  compareEvents,
  seriesKey,
  type Deployment,
  type SampleColumn,
  type SignalEvidence,
  type SignalJudged,
  type Verdict,
} from "../event.ts";
import { inOrder } from "../detect/baseline/columns.ts";
import { servicesOf, type Policy, type SignalPolicy } from "../policy/policy.ts";
import { watches } from "../policy/role.ts";
import { answerFrom } from "./answers.ts";
import { causeOf } from "./cause.ts";
import { findingText } from "./findingText.ts";
import type { Act, Answer, Due, Finding, Question } from "./incumbent.ts";
import { hasSeries, lacksSides } from "./sides.ts";
import { systemOf } from "./systems.ts";

/** More steps than any plan within its bounds can take in the longest watch. */
const STEPS_AT_MOST = 1_000_000;

/** What an incumbent knows of one deployment; plain data and maps. */
export interface IncumbentWatch {
  /** By series. */
  readonly columns: ReadonlyMap<string, SampleColumn>;
  /** The system's own state. */
  readonly state: unknown;
  /** By query. */
  readonly said: ReadonlyMap<string, Said>;
  /** Why the system cannot be emulated on what the history has; absent: it can. */
  readonly blind?: string;
}

/** What was last said of one query, and on how many answers with a value. */
interface Said {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly answered: number;
  readonly failed: number;
}

const NOTHING: Said = { verdict: "inconclusive", reason: "", answered: 0, failed: 0 };

/** The deployment that is watched, and until when. */
interface Watched {
  readonly deployment: Deployment;
  readonly knownAtMs: number;
  readonly endsAtMs: number;
}

export function startIncumbent(
  policy: Policy,
  { service, startedAtMs }: Deployment,
): IncumbentWatch {
  const { system, plan } = policy.incumbent!;
  return {
    columns: new Map(),
    state: systemOf(system).start(plan, startedAtMs, service),
    said: new Map(),
  };
}

/** Keeps the samples that any query may be answered from, and ignores the rest. */
export function takeAnswers(
  policy: Policy,
  watch: IncumbentWatch,
  deployment: Deployment,
  columns: readonly SampleColumn[],
): IncumbentWatch {
  let kept: Map<string, SampleColumn> | null = null;
  for (const column of columns) {
    const { series } = column;
    const isAsked = policy.signals.some(
      (signal) => watches(signal, series) && servicesOf(signal, deployment).has(series.service),
    );
    if (!isAsked) continue;
    kept ??= new Map(watch.columns);
    const key = seriesKey(series);
    const before = kept.get(key);
    const newest = before === undefined ? Number.NEGATIVE_INFINITY : (last(before.atMs) ?? 0);
    const ordered = inOrder(column, newest);
    kept.set(key, before === undefined ? ordered : joined(before, ordered));
  }
  return kept === null ? watch : { ...watch, columns: kept };
}

/** When the system next asks something; Infinity where it has decided for good, or is blind. */
export function incumbentDueAtMs(policy: Policy, watch: IncumbentWatch): number {
  if (watch.blind !== undefined) return Number.POSITIVE_INFINITY;
  const { system, plan } = policy.incumbent!;
  return systemOf(system).due(plan, watch.state)?.atMs ?? Number.POSITIVE_INFINITY;
}

/**
 * Steps the system up to and including `toMs`, and never beyond the end of the watch. At that end
 * every query gets its last judgement.
 */
export function advanceIncumbent(
  policy: Policy,
  before: IncumbentWatch,
  watched: Watched,
  toMs: number,
): { readonly watch: IncumbentWatch; readonly judgements: readonly SignalJudged[] } {
  const { system, plan } = policy.incumbent!;
  const steps = systemOf(system);
  const untilMs = Math.min(toMs, watched.endsAtMs);
  const said = new Map(before.said);
  const judgements: SignalJudged[] = [];
  let { state, blind } = before;
  for (let step = 0; blind === undefined; step++) {
    const due = steps.due(plan, state);
    if (due === null || due.atMs > untilMs) break;
    assert(step < STEPS_AT_MOST, `${system}: more than ${STEPS_AT_MOST} steps in one watch`);
    const answers = due.questions.map((question) =>
      answerTo(policy, before, watched.deployment, question, due.atMs),
    );
    blind = blindness(policy, before, watched.deployment, due.questions, answers);
    if (blind !== undefined) break;
    count(said, due.questions, answers);
    const stepped = steps.step(plan, state, due.atMs, answers);
    state = stepped.state;
    const asked = { ...due, answers, ...stepped };
    for (const judgement of judgedBy(policy, asked, watched)) {
      const { signal, verdict, reason } = judgement.evidence;
      said.set(signal, { ...(said.get(signal) ?? NOTHING), verdict, reason });
      judgements.push(judgement);
    }
  }
  judgements.sort(compareEvents);
  const watch = { ...before, state, said, ...(blind === undefined ? {} : { blind }) };
  if (toMs < watched.endsAtMs) return { watch, judgements };
  const { deploymentId } = watched.deployment;
  const times = { atMs: watched.endsAtMs, knownAtMs: watched.endsAtMs };
  for (const signal of policy.signals) {
    const evidence = finalAnswer(policy, signal, watch, watched);
    judgements.push({ kind: "signalJudged", ...times, deploymentId, evidence, cause: "end" });
  }
  return { watch, judgements };
}

/** The last evidence of one query, when the watch ends. */
function finalAnswer(
  { signals }: Policy,
  signal: SignalPolicy,
  watch: IncumbentWatch,
  { deployment }: Watched,
): SignalEvidence {
  const said = watch.said.get(signal.name) ?? NOTHING;
  const series = columnsFor(signal, watch, deployment)[0];
  const key = series === undefined ? null : seriesKey(series.series);
  if (said.reason !== "") return evidenceOf(signal, said.verdict, said.reason, key, said.answered);
  // A pause or a rollback that another query decided leaves this one without a judgement.
  const decided = signals.some(({ name }) => (watch.said.get(name)?.reason ?? "") !== "");
  if (watch.blind !== undefined) {
    const verdict = said.answered === 0 ? "noData" : "inconclusive";
    return evidenceOf(signal, verdict, `${signal.name}: ${watch.blind}`, key, said.answered);
  }
  if (said.answered === 0) {
    const why = said.failed > 0 ? "every query failed" : "no query had an answer";
    return evidenceOf(signal, "noData", `${signal.name}: ${why}`, key, 0);
  }
  const reason = `${signal.name}: ${said.answered} answers, none led to a rollback`;
  return evidenceOf(signal, decided ? "inconclusive" : "healthy", reason, key, said.answered);
}

/** The answer to one question, from the columns of a watch, in the unit of the query. */
export function answerTo(
  policy: Policy,
  watch: Pick<IncumbentWatch, "columns">,
  deployment: Deployment,
  question: Question,
  atMs: number,
): Answer {
  const signal = policy.signals.find(({ name }) => name === question.query);
  assert(signal !== undefined, `the plan asks ${question.query}, which the policy does not name`);
  const { outage } = policy.incumbent!;
  const sinceMs = atMs - deployment.startedAtMs - (outage?.afterMs ?? 0);
  if (outage !== undefined && sinceMs >= 0 && sinceMs < outage.forMs) return { kind: "failed" };
  const columns = columnsFor(signal, watch, deployment).map((column) => ({ column }));
  const answer = answerFrom(columns, question, atMs, deployment.version);
  const asked = policy.incumbent!.queries.find(({ name }) => name === question.query);
  return asked?.scale === undefined ? answer : scaled(answer, asked.scale);
}

/** In the unit of the query: what the history keeps may be the ratio of its percentage. */
function scaled(answer: Answer, { times, plus }: { times: number; plus: number }): Answer {
  if (answer.kind === "failed") return answer;
  const series = answer.series.map((one) => ({
    ...one,
    values: one.values.map((value) => value * times + plus),
  }));
  return { kind: "series", series };
}

function columnsFor(
  signal: SignalPolicy,
  { columns }: Pick<IncumbentWatch, "columns">,
  deployment: Deployment,
): readonly SampleColumn[] {
  const services = servicesOf(signal, deployment);
  return [...columns.values()].filter(
    ({ series }) => services.has(series.service) && watches(signal, series),
  );
}

function blindness(
  policy: Policy,
  watch: IncumbentWatch,
  deployment: Deployment,
  questions: readonly Question[],
  answers: readonly Answer[],
): string | undefined {
  const asked = new Set(questions.map(({ query }) => query));
  const columns = policy.signals
    .filter(({ name }) => asked.has(name))
    .flatMap((signal) => columnsFor(signal, watch, deployment));
  return lacksSides({ questions, answers, version: deployment.version, columns });
}

/** A query counts as answered where each side that was asked had series. */
function count(
  said: Map<string, Said>,
  questions: readonly Question[],
  answers: readonly Answer[],
): void {
  for (const query of new Set(questions.map((question) => question.query))) {
    const known = said.get(query) ?? NOTHING;
    const own = answers.filter((_, place) => questions[place]!.query === query);
    if (own.some(({ kind }) => kind === "failed")) {
      said.set(query, { ...known, failed: known.failed + 1 });
    } else if (own.every(hasSeries)) {
      said.set(query, { ...known, answered: known.answered + 1 });
    }
  }
}

const VERDICTS: ReadonlyMap<Act, Verdict> = new Map([
  ["rollBack", "breach"],
  ["page", "breach"],
  ["pause", "inconclusive"],
]);

/** What was asked, answered and done at one moment. */
interface Asked extends Due {
  readonly answers: readonly Answer[];
  readonly acts: readonly Act[];
  readonly findings: readonly Finding[];
}

/** One judgement for each act that means something for the deployment. */
function judgedBy(
  policy: Policy,
  { acts, findings, atMs, questions, answers }: Asked,
  { deployment, knownAtMs }: Watched,
): SignalJudged[] {
  return acts.flatMap((act) => {
    const verdict = VERDICTS.get(act);
    if (verdict === undefined) return [];
    const finding = decidingOf(policy, findings);
    const signal =
      policy.signals.find(({ name }) => name === finding?.params["query"]) ?? policy.signals[0]!;
    const reason = finding === undefined ? act : findingText(policy.incumbent!.system, finding);
    const evidence = {
      ...evidenceOf(signal, verdict, reason, keyFor(signal, deployment), 0, atMs),
      ...(finding === undefined ? {} : { cause: causeOf(finding, questions, answers) }),
    };
    return [
      {
        kind: "signalJudged",
        atMs,
        knownAtMs: Math.max(atMs, knownAtMs),
        deploymentId: deployment.deploymentId,
        evidence,
        cause: "sample",
      },
    ];
  });
}

/** The finding that decided: one that counts, else the last one about a query, else the last. */
export function decidingOf({ signals }: Policy, findings: readonly Finding[]): Finding | undefined {
  const asked = findings.filter(({ params }) =>
    signals.some(({ name }) => name === params["query"]),
  );
  return asked.find(({ params }) => params["counts"] === true) ?? asked.at(-1) ?? findings.at(-1);
}

function keyFor(signal: SignalPolicy, { service }: Deployment): string {
  // The first name is the query's own; the others are those of its elements.
  return `${service}/${signal.metric.split("|")[0]!}`;
}

/** An incumbent has no baseline, no tolerance and no tags: only a verdict and its reason. */
function evidenceOf(
  signal: SignalPolicy,
  verdict: Verdict,
  reason: string,
  series: string | null,
  samples: number,
  sinceMs?: number,
): SignalEvidence {
  const accused = verdict === "breach" && sinceMs !== undefined && series !== null;
  return {
    signal: signal.name,
    verdict,
    reason,
    series,
    effect: null,
    interval: null,
    expected: null,
    scale: null,
    tolerance: signal.tolerance.amount,
    baseTolerance: signal.tolerance.amount,
    statistic: null,
    limit: null,
    logE: null,
    breaching: accused ? [{ series, sinceMs }] : [],
    standing: null,
    samples,
    baselineSamples: 0,
    missing: null,
    tags: [],
    untagged: verdict,
    untaggedReason: reason,
    placebo: null,
    control: null,
    season: null,
  };
}

function last(times: ArrayLike<number>): number | undefined {
  return times[times.length - 1];
}

function joined(before: SampleColumn, after: SampleColumn): SampleColumn {
  const both = (a: ArrayLike<number>, b: ArrayLike<number>): Float64Array => {
    const all = new Float64Array(a.length + b.length);
    all.set(Array.from(a));
    all.set(Array.from(b), a.length);
    return all;
  };
  const answers =
    before.answers === undefined || after.answers === undefined
      ? {}
      : { answers: both(before.answers, after.answers) };
  return {
    series: before.series,
    atMs: both(before.atMs, after.atMs),
    knownAtMs: both(before.knownAtMs, after.knownAtMs),
    values: both(before.values, after.values),
    ...answers,
  };
}
