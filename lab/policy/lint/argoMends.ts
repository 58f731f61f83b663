/** Changes of a metric that were run: each is offered only where its finding is gone after it. */

import {
  effectiveCount,
  isRefusal,
  parseCondition,
  type ArgoMetric,
  type ConditionNode,
} from "../../../engine/index.ts";
import { childrenOf } from "./argoAnswers.ts";
import { checkMetric, OUTAGE_MS, type Check } from "./argoChecks.ts";

/** As long as a retry waits, an outage has one more error. */
const RETRY_MS = 10_000;

interface Mend {
  readonly change: Partial<ArgoMetric>;
  readonly text: string;
}

/**
 * The change that mends it, as text for the file; null where none of those known does.
 *
 * @param found all that was found of the metric: a mend must not make it blind
 */
export function mendOf(
  metric: ArgoMetric,
  { code }: Check,
  found: readonly Check[],
): string | null {
  const wasBlind = found.some((check) => check.code === "neverFails");
  for (const { change, text } of mends(metric, code)) {
    const left = checkMetric({ ...metric, ...change });
    const isBlind = !wasBlind && left.some((check) => check.code === "neverFails");
    if (!isBlind && left.every((check) => check.code !== code)) return text;
  }
  return null;
}

function mends(metric: ArgoMetric, code: Check["code"]): readonly Mend[] {
  switch (code) {
    case "errsOnHealthyAnswer": {
      const change = mapConditions(metric, (text) => withFirst(text, metric.answer));
      const mended = { ...metric, ...change };
      return [{ change, text: conditionsText(mended) }];
    }
    case "outageAborts": {
      const consecutiveErrorLimit = Math.ceil(OUTAGE_MS / RETRY_MS);
      const text = `consecutiveErrorLimit: ${consecutiveErrorLimit}`;
      return [{ change: { consecutiveErrorLimit }, text }];
    }
    case "neverFails": {
      const most = effectiveCount(metric);
      if (most === null) return [];
      return [{ change: { failureLimit: most - 1 }, text: `failureLimit: ${most - 1}` }];
    }
    case "neverSucceeds":
      return [];
    case "errsOnEmptyAnswer":
    case "failsOnEmptyAnswer":
    case "succeedsWithoutData":
    case "errsOnNaN":
    case "failsOnNaN":
    case "succeedsOnNaN": {
      const change = guarded(metric);
      return [{ change, text: conditionsText({ ...metric, ...change }) }];
    }
  }
}

function conditionsText({ successCondition, failureCondition }: ArgoMetric): string {
  return [
    ...(successCondition === null ? [] : [`successCondition: ${successCondition}`]),
    ...(failureCondition === null ? [] : [`failureCondition: ${failureCondition}`]),
  ].join("\n");
}

type Conditions = Pick<ArgoMetric, "successCondition" | "failureCondition">;

function mapConditions(metric: ArgoMetric, map: (text: string) => string): Conditions {
  const { successCondition, failureCondition } = metric;
  return {
    successCondition: successCondition === null ? null : map(successCondition),
    failureCondition: failureCondition === null ? null : map(failureCondition),
  };
}

/** The first series where a number is wanted, or the number itself where there are no series. */
function withFirst(text: string, answer: ArgoMetric["answer"]): string {
  if (answer === "scalar") return text.replaceAll(/\bresult\s*\[\s*0\s*\]/g, "result");
  const node = parseCondition(text);
  if (isRefusal(node)) return text;
  const places = bareResults(node).toSorted((left, right) => right - left);
  return places.reduce(
    (now, place) =>
      `${now.slice(0, place + "result".length)}[0]${now.slice(place + "result".length)}`,
    text,
  );
}

/** Where `result` stands as a whole though a number is wanted. */
function bareResults(node: ConditionNode): readonly number[] {
  if (node.kind === "name") return node.name === "result" ? [node.at] : [];
  const takesList = (child: ConditionNode): boolean =>
    child.kind === "name" &&
    ((node.kind === "index" && child === node.list) ||
      (node.kind === "each" && child === node.list) ||
      (node.kind === "binary" && node.operator === "in" && child === node.right) ||
      (node.kind === "call" && ["len", "isNil", "default"].includes(node.name)));
  return childrenOf(node).flatMap((child) => (takesList(child) ? [] : bareResults(child)));
}

/** Both conditions hold only with data, so that without data the metric is inconclusive. */
function guarded(metric: ArgoMetric): Conditions {
  const { successCondition, failureCondition, answer } = metric;
  const guard = answer === "scalar" ? "!isNaN(result)" : vectorGuard(metric);
  const success = successCondition ?? `!(${failureCondition ?? "false"})`;
  const failure = failureCondition ?? `!(${success})`;
  return {
    successCondition: `${guard} && (${success})`,
    failureCondition: `${guard} && (${failure})`,
  };
}

function vectorGuard({ successCondition, failureCondition }: ArgoMetric): string {
  const looksAtAll = [successCondition, failureCondition].some((text) => {
    const node = text === null ? null : parseCondition(text);
    return node !== null && !isRefusal(node) && hasEach(node);
  });
  return looksAtAll
    ? "len(result) > 0 && none(result, {isNaN(#)})"
    : "len(result) > 0 && !isNaN(result[0])";
}

function hasEach(node: ConditionNode): boolean {
  return node.kind === "each" || childrenOf(node).some(hasEach);
}
