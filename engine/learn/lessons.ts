/**
 * Lessons: what people's answers taught. They are folded from the decision log alone, from each
 * event with the records it led to, in order. So a machine that kept running and one that reads its
 * log again have the same lessons after every event.
 *
 * A lesson is one answer to one question: an override says that the proposal was false, an approval
 * that it was right. Its follow-up is what the metrics did afterwards: nothing to go by, health
 * that came back by itself (which confirms an override), or harm that was not there when the
 * answer was given (then the override was harmful).
 *
 * Limits. The log does not hold labels and incidents, so how often changes go wrong is not learned
 * here; nor a rollback by hand after an override, which looks like health that came by itself; nor
 * what happens after the watch; nor who is behind a shared name. A rollback on silence was
 * answered by nobody and teaches nothing, and neither does a question that was taken back.
 */

import { assert } from "../assert.ts";
import { accuses } from "../decide/confidence.ts";
import { added, replacedAt, withoutPlace } from "../decide/list.ts";
import type { Handled } from "../audit.ts";
import type { DeploymentKind, OverrideGiven, ApprovalGiven, SignalJudged } from "../event.ts";
import type { DecisionRecord } from "../record.ts";

/** New harm within this time of an override makes it a harmful one (method 7c). */
const HARM_WITHIN_MS = 7_200_000;
/** An answer this soon after its question was hardly considered (method 7f). */
const QUICK_MS = 15_000;
/** How many lessons are kept, the newest: it bounds the state, and old ones weigh little. */
const LESSONS_KEPT = 2000;
/** An override is followed up for so long at most. */
const FOLLOWED_MS = 7 * 86_400_000;

export type FollowUp = "none" | "health" | "harm";

export interface Lesson {
  readonly deploymentId: string;
  readonly service: string;
  readonly environment: string;
  readonly kind: DeploymentKind;
  /** The signals that spoke against the deployment when the answer was given. */
  readonly signals: readonly string[];
  readonly answer: "override" | "approval";
  readonly by: string;
  readonly atMs: number;
  readonly quick: boolean;
  readonly followUp: FollowUp;
}

/** A deployment that may still teach something. */
export interface Open {
  readonly deploymentId: string;
  readonly service: string;
  readonly environment: string;
  readonly kind: DeploymentKind;
  /** When people were last asked, and which signals accused then; null where they were not. */
  readonly asked: { readonly atMs: number; readonly accused: readonly string[] } | null;
  /** Its override, while that is followed up; null without one. */
  readonly overridden: Overridden | null;
}

interface Overridden {
  readonly atMs: number;
  /** The signals that accused when it was given. */
  readonly accused: readonly string[];
  /** Those whose hard guard spoke then. */
  readonly guarded: readonly string[];
  /** Those of the accused that still await their last judgement. */
  readonly waiting: readonly string[];
  /** Was every last judgement of the accused healthy so far? */
  readonly isWell: boolean;
}

export interface LearningState {
  /** One for each deployment. */
  readonly open: readonly Open[];
  /** The oldest first. */
  readonly lessons: readonly Lesson[];
}

export const initialLearning: LearningState = { open: [], lessons: [] };

/** What a log teaches: the state of a machine that handled all of it. */
export function learnedFrom(log: Iterable<Handled>): LearningState {
  let state = initialLearning;
  for (const handled of log) state = learn(state, handled);
  return state;
}

/** The state after one more event. Pure; it is the same object where nothing was learned. */
export function learn(state: LearningState, { event, records }: Handled): LearningState {
  let next = state;
  for (const record of records) next = noteRecord(next, record);
  switch (event.kind) {
    case "deploymentStarted": {
      const { deploymentId, service, environment, kind } = event.deployment;
      const begun = records.find((one) => one.deploymentId === deploymentId);
      if (begun?.decision !== "watchStarted" || begun.phaseAfter === "ended") return next;
      const open = { deploymentId, service, environment, kind, asked: null, overridden: null };
      return withOpen(withoutForgotten(next, event.knownAtMs), open);
    }
    case "overrideGiven":
    case "approvalGiven":
      return noteAnswer(state, next, event, records);
    case "signalJudged":
      return followUp(next, event);
    case "deploymentTagged":
    case "stageReached":
    case "agentProposed":
    case "rollbackFinished":
    case "haltOrdered":
    case "haltLifted":
    case "policyChanged":
    case "requestRefused":
    case "faultReported":
    case "deploymentQuarantined":
    case "clockAdvanced":
      return next;
  }
}

/** Notes a question that was asked, and drops what ended without an override. */
function noteRecord(state: LearningState, record: DecisionRecord): LearningState {
  const { deploymentId, phaseAfter } = record;
  const open = openOf(state, deploymentId);
  if (open === undefined) return state;
  if (phaseAfter === "ended" && open.overridden === null) return closed(state, deploymentId);
  if (!asks(record)) return state;
  const asked = { atMs: record.knownAtMs, accused: accusedIn(record) };
  return withOpen(state, openWith(open, asked, open.overridden));
}

function asks({ decision, phaseAfter }: DecisionRecord): boolean {
  return phaseAfter === "proposed" && (decision === "proposed" || decision === "escalated");
}

function accusedIn({ signals }: DecisionRecord): readonly string[] {
  return signals.filter(accuses).map(({ signal }) => signal);
}

/**
 * Notes an answer as a lesson.
 *
 * @param before the state before this event's records, which may have closed the deployment
 */
function noteAnswer(
  before: LearningState,
  state: LearningState,
  event: OverrideGiven | ApprovalGiven,
  records: readonly DecisionRecord[],
): LearningState {
  const { deploymentId, by, knownAtMs } = event;
  const open = openOf(before, deploymentId);
  const own = records.filter((one) => one.deploymentId === deploymentId);
  const record = own.at(-1);
  if (open === undefined || record === undefined || record.decision === "refused") return state;
  const question = own.filter(asks).at(-1);
  const asked =
    question === undefined
      ? open.asked
      : { atMs: question.knownAtMs, accused: accusedIn(question) };
  assert(asked !== null, "who answers was asked");
  // What people say about an agent's word is no lesson about our signals.
  if (record.agent?.alone === true) return state;
  const accused = [...new Set([...asked.accused, ...accusedIn(record)])].sort();
  const lesson: Lesson = {
    deploymentId,
    service: open.service,
    environment: open.environment,
    kind: open.kind,
    signals: accused,
    answer: event.kind === "overrideGiven" ? "override" : "approval",
    by,
    atMs: knownAtMs,
    quick: knownAtMs - asked.atMs < QUICK_MS,
    followUp: "none",
  };
  const taught = { ...state, lessons: [...state.lessons, lesson].slice(-LESSONS_KEPT) };
  if (event.kind === "approvalGiven") return taught;
  const overridden: Overridden = {
    atMs: knownAtMs,
    accused,
    guarded: record.signals.filter((one) => one.hardGuard === true).map(({ signal }) => signal),
    waiting: accused,
    isWell: true,
  };
  return withOpen(taught, openWith(open, asked, overridden));
}

/** Follows up an override by a judgement that came after it. */
function followUp(
  state: LearningState,
  { deploymentId, evidence, cause, knownAtMs }: SignalJudged,
): LearningState {
  const open = openOf(state, deploymentId);
  const since = open?.overridden ?? null;
  if (open === undefined || since === null) return state;
  const { signal, verdict, hardGuard } = evidence;
  const isNew =
    (hardGuard === true && !since.guarded.includes(signal)) ||
    (verdict === "breach" && !since.accused.includes(signal));
  if (isNew && knownAtMs - since.atMs <= HARM_WITHIN_MS) {
    return settled(state, deploymentId, "harm");
  }
  if (cause !== "end" || !since.waiting.includes(signal)) return state;
  const waiting = since.waiting.filter((name) => name !== signal);
  const isWell = since.isWell && verdict === "healthy";
  if (waiting.length === 0) return settled(state, deploymentId, isWell ? "health" : "none");
  return withOpen(state, openWith(open, open.asked, { ...since, waiting, isWell }));
}

function settled(state: LearningState, deploymentId: string, followed: FollowUp): LearningState {
  const lessons = state.lessons.map((one) =>
    one.deploymentId === deploymentId && one.answer === "override"
      ? { ...one, followUp: followed }
      : one,
  );
  return closed({ ...state, lessons }, deploymentId);
}

function withoutForgotten(state: LearningState, nowMs: number): LearningState {
  const { open, lessons } = state;
  const isAll = open.every((one) => isFollowed(one, nowMs));
  return isAll ? state : { open: open.filter((one) => isFollowed(one, nowMs)), lessons };
}

function isFollowed({ overridden }: Open, nowMs: number): boolean {
  return overridden === null || nowMs - overridden.atMs < FOLLOWED_MS;
}

/** Written out field by field, so that all have one hidden class. */
function openWith(
  { deploymentId, service, environment, kind }: Open,
  asked: Open["asked"],
  overridden: Open["overridden"],
): Open {
  return { deploymentId, service, environment, kind, asked, overridden };
}

/** The deployment with this id, if it may still teach something. */
export function openOf({ open }: LearningState, deploymentId: string): Open | undefined {
  const place = placeOf(open, deploymentId);
  return place < 0 ? undefined : open[place];
}

function placeOf(open: readonly Open[], id: string): number {
  return open.findIndex(({ deploymentId }) => deploymentId === id);
}

/** The state with this deployment in the place of its older self, or at the end. */
function withOpen({ open, lessons }: LearningState, next: Open): LearningState {
  const place = placeOf(open, next.deploymentId);
  return { open: place < 0 ? added(open, next) : replacedAt(open, place, next), lessons };
}

function closed({ open, lessons }: LearningState, deploymentId: string): LearningState {
  const place = placeOf(open, deploymentId);
  return { open: place < 0 ? open : withoutPlace(open, place), lessons };
}
