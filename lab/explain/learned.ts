/**
 * What labels say about one deployment's alarm: the confidence learned from those known before it,
 * as it moved while an override window would run, and the past deployments most alike.
 */

import {
  formatDuration,
  formatShare,
  instantText,
  type ExplanationNode,
  type LearnedValue,
} from "../../engine/index.ts";
import { DELAYS_MS, type Case } from "../confidence/cases.ts";
import { isRegression, knownBefore, learn } from "../confidence/learn.ts";
import { nearestCases } from "./nearestAlarms.ts";

/** @param cases of the same policy and history, in the order of their moments */
export function learnedNode(cases: readonly Case[], deploymentId: string): ExplanationNode | null {
  const asked = cases.find((one) => one.deploymentId === deploymentId);
  if (asked?.ground !== "alarm") return null;
  const children = [confidenceNode(cases, asked), nearestNode(cases, asked)];
  return node("what labels known before its alarm say", children);
}

function confidenceNode(cases: readonly Case[], asked: Case): ExplanationNode {
  const known = knownBefore(cases, asked.atMs, asked.deploymentId);
  const said = DELAYS_MS.map((delayMs, delay) => {
    const then = knownBefore(cases, asked.atMs + delayMs, asked.deploymentId);
    return learn(then).of("alarm", asked.seen[delay] ?? null, delay);
  });
  const first = said[0] ?? null;
  if (first === null) {
    const regressions = known.filter(isRegression).length;
    const says =
      `no confidence, only evidence: too few labels (${regressions} regressions and ` +
      `${known.length - regressions} others; it takes five alarms and five of either)`;
    return node(says);
  }
  const steps = said.flatMap((one, delay) => (one === null ? [] : stepNode(one, delay, asked)));
  const capped =
    first.value < first.uncapped
      ? [node(`held at ${formatShare(round(first.cap))}: so few regressions support no more`)]
      : [];
  const says =
    `the confidence that it is a regression: ${formatShare(round(first.value))}, learned from ` +
    `${first.cases} alarms with a label, ${first.regressions} of them regressions`;
  return node(says, [...steps.slice(1), ...capped]);
}

function stepNode({ value }: LearnedValue, delay: number, { atMs }: Case): ExplanationNode {
  const delayMs = DELAYS_MS[delay]!;
  const says = `${formatDuration(delayMs)} after the alarm: ${formatShare(round(value))}`;
  return { ...node(says), atMs: atMs + delayMs };
}

function nearestNode(cases: readonly Case[], asked: Case): ExplanationNode {
  const nearest = nearestCases(cases, asked);
  if (nearest === null) return node("no earlier alarm has a label, so none is known to be alike");
  const [low, high] = [formatShare(round(nearest.low)), formatShare(round(nearest.high))];
  const says =
    `of the ${nearest.cases.length} alarms most alike, ${nearest.regressions} were regressions ` +
    `(95 %: ${low} to ${high})`;
  const children = nearest.cases.map(({ case: one }) =>
    node(`${one.deploymentId} of ${one.service}, ${instantText(one.atMs)}: ${one.label}`),
  );
  return node(says, children);
}

function node(says: string, children: readonly ExplanationNode[] = []): ExplanationNode {
  return { about: "confidence", says, atMs: null, children };
}

function round(share: number): number {
  return Math.round(share * 1000) / 1000;
}
