/**
 * How far people's answers to earlier proposals like this one lower a confidence.
 *
 * A proposal is like this one if service, environment, signal and kind of change are the same. The
 * share f of such proposals that are false is estimated as a Beta posterior whose lessons weigh
 * less with age, 2^(−age/halfLife). Where there are few, wider circles of proposals fill in:
 *
 *     f = (F + s·f') / (F + T + s),  s = 10
 *
 * with F and T the weights of proposals judged false and right, and f' the same share in the next
 * wider circle. The circles are: the service's other signals, other services with this kind of
 * change, every other change, and last one half, which says nothing. A lesson counts only in its
 * nearest circle, so that none counts twice.
 *
 *     odds of the learned confidence = odds · (1 − f)/f,  from a quarter of the odds up to them
 *
 * and never below `1 − discountAtMost` of the confidence. A confidence is never raised: where
 * people approve most proposals there is nothing to relax. Where several signals accuse, the one
 * that lowers the confidence least counts.
 *
 * Weights: an approval or a confirmed override 1, an unconfirmed override a half, and a quarter of
 * that where the answer was quick or the person always answers the same. A harmful override weighs
 * 3 for the other side. One person has at most 30 % of a circle's weight; harm is not capped,
 * because what the metrics showed afterwards is nobody's opinion. Bias of that cap: where all
 * answers come under one shared name, learning is three times as slow. The weights are a choice
 * (method 7), not an estimate.
 *
 * Measured on the generated quarter (seed 7, evidence-learning.yaml, modelled people): 119
 * answers, at most four of them about the same service, signal and kind of change, and overrides
 * weighed as much as approvals and harm. So nothing was learned and nothing ended differently:
 * this is for services whose proposals are answered often, and in the same way.
 */

import type { Deployment } from "../event.ts";
import type { Learning } from "../policy/policy.ts";
import { formatNumber, formatShare } from "../policy/quantity.ts";
import type { Learned } from "../record.ts";
import type { Lesson } from "./lessons.ts";

/** How many answers a wider circle counts as: s in the formula above. */
const SHRINKAGE = 10;
/** The odds are divided by this at most. */
const ODDS_AT_MOST = 4;
/** The weight of an override that nothing confirms. */
const UNCONFIRMED = 0.5;
/** The weight is multiplied by this where the answer was quick, or by a rubber stamp. */
const RUBBER_STAMP = 0.25;
/** The weight of a harmful override, against overriding. */
const HARMFUL_TIMES = 3;
/** The most that one person's answers may be of a circle's weight, as a share. */
const ONE_PERSON_AT_MOST = 0.3;
/** A rubber stamp is a person with at least so many answers */
const STAMP_ANSWERS = 50;
/** of which more than this share are the same. */
const STAMP_SHARE = 0.98;

/** The decayed weights of proposals that people judged false (`wrong`) and right. */
interface Weights {
  readonly wrong: number;
  readonly right: number;
}

/**
 * What was learned about a proposal; null where that is too little, or does not lower the
 * confidence.
 *
 * @param accused the signals that speak against the deployment
 * @param confidence of the machine, without anything learned
 */
export function learnedOf(
  settings: Learning,
  lessons: readonly Lesson[],
  deployment: Deployment,
  accused: readonly string[],
  confidence: number,
  nowMs: number,
): Learned | null {
  if (accused.length === 0 || lessons.length === 0) return null;
  const here = lessons.filter((one) => one.environment === deployment.environment);
  const stamps = stampers(here);
  const weigh = (some: readonly Lesson[]): Weights => weightsOf(some, settings, stamps, nowMs);
  let least: { signal: string; share: number; weight: number; own: readonly Lesson[] } | null =
    null;
  for (const signal of accused) {
    const within = (circle: number): readonly Lesson[] =>
      here.filter((lesson) => circleOf(lesson, deployment, signal) === circle);
    const own = within(0);
    const { wrong, right } = weigh(own);
    if (wrong + right < settings.atLeast) return null;
    const wider = [3, 2, 1].reduce((share, circle) => shrunk(weigh(within(circle)), share), 0.5);
    const share = shrunk({ wrong, right }, wider);
    if (least === null || share < least.share) {
      least = { signal, share, weight: wrong + right, own };
    }
  }
  const { signal, share, weight, own } = least!;
  const learned = lowered(confidence, share, settings.discountAtMost);
  if (learned >= confidence) return null;
  const overrides = own.filter(({ answer }) => answer === "override");
  const answers = {
    signal,
    answered: own.length,
    overridden: overrides.length,
    harmful: overrides.filter(({ followUp }) => followUp === "harm").length,
    weight,
    falseShare: share,
    confidence: learned,
  };
  return { ...answers, says: sentence(answers, deployment, confidence) };
}

function shrunk({ wrong, right }: Weights, wider: number): number {
  return (wrong + SHRINKAGE * wider) / (wrong + right + SHRINKAGE);
}

/** The circle of a lesson: 0 for proposals like this one, up to 3 for every other change. */
function circleOf(lesson: Lesson, { service, kind }: Deployment, signal: string): number {
  if (lesson.kind !== kind) return 3;
  if (lesson.service !== service) return 2;
  return lesson.signals.includes(signal) ? 0 : 1;
}

function lowered(confidence: number, share: number, discountAtMost: number): number {
  const times = Math.min(1, Math.max(1 / ODDS_AT_MOST, (1 - share) / share));
  const odds = (confidence / (1 - confidence)) * times;
  const learned = Number.isFinite(odds) ? odds / (1 + odds) : 1;
  return Math.min(confidence, Math.max(learned, confidence * (1 - discountAtMost)));
}

/** The people who always answer the same, by name. */
function stampers(lessons: readonly Lesson[]): ReadonlySet<string> {
  const counts = new Map<string, { answers: number; overrides: number }>();
  for (const { by, answer } of lessons) {
    const count = counts.get(by) ?? { answers: 0, overrides: 0 };
    count.answers++;
    if (answer === "override") count.overrides++;
    counts.set(by, count);
  }
  const always = [...counts].filter(([, { answers, overrides }]) => {
    const most = Math.max(overrides, answers - overrides);
    return answers >= STAMP_ANSWERS && most > STAMP_SHARE * answers;
  });
  return new Set(always.map(([by]) => by));
}

function weightsOf(
  lessons: readonly Lesson[],
  { halfLifeMs }: Learning,
  stamps: ReadonlySet<string>,
  nowMs: number,
): Weights {
  const people = new Map<string, { wrong: number; right: number }>();
  let harm = 0;
  for (const { by, answer, followUp, quick, atMs } of lessons) {
    const age = 2 ** (-Math.max(0, nowMs - atMs) / halfLifeMs);
    if (followUp === "harm") {
      harm += HARMFUL_TIMES * age;
      continue;
    }
    const unsure = answer === "override" && followUp === "none" ? UNCONFIRMED : 1;
    const weight = age * unsure * (quick || stamps.has(by) ? RUBBER_STAMP : 1);
    const sums = people.get(by) ?? { wrong: 0, right: 0 };
    sums[answer === "override" ? "wrong" : "right"] += weight;
    people.set(by, sums);
  }
  const sums = [...people.values()];
  const total = sums.reduce((all, { wrong, right }) => all + wrong + right, 0);
  let [wrong, right] = [0, harm];
  for (const one of sums) {
    const weight = one.wrong + one.right;
    const part = weight === 0 ? 0 : Math.min(1, (ONE_PERSON_AT_MOST * total) / weight);
    wrong += part * one.wrong;
    right += part * one.right;
  }
  return { wrong, right };
}

const CHANGES: Readonly<Record<Deployment["kind"], string>> = {
  code: "code changes",
  config: "config changes",
  migration: "migrations",
  infrastructure: "infrastructure changes",
  feature_flag: "feature flags",
};

function sentence(
  learned: Omit<Learned, "says">,
  { kind, service }: Deployment,
  confidence: number,
): string {
  const { overridden, answered, signal, weight, harmful } = learned;
  const harm = harmful === 0 ? "" : `, ${harmful} of them harmful`;
  const change = `${formatShare(confidence)} → ${formatShare(learned.confidence)}`;
  return (
    `${overridden} of ${answered} similar ${signal} proposals after ${CHANGES[kind]} of ` +
    `${service} were overridden${harm} (decayed weight ${formatNumber(round(weight))}): ` +
    `confidence ${change}`
  );
}

function round(weight: number): number {
  return Math.round(weight * 10) / 10;
}
