/**
 * Which metrics a list of rules such as `dryRun` names. A rule is a regular expression that is
 * found anywhere in a name (utils/analysis/helpers.go), and each rule has to match a metric.
 */

import type { Problem } from "../../problem.ts";
import { at, isObject, problemAt, type KubernetesObject, type Path } from "./document.ts";

/** Without groups and with few repeats a pattern cannot take long on a short name. */
const SAFE = /^[^(){}]{1,200}$/;
const MOST_REPEATS = 3;

export interface NamedMetrics {
  readonly names: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

export function dryRunNames(
  object: KubernetesObject,
  path: Path,
  metrics: readonly string[],
): NamedMetrics {
  const names = new Set<string>();
  const problems: Problem[] = [];
  const rules = at(object.value, path) ?? [];
  if (!Array.isArray(rules)) {
    return { names, problems: [problemAt({ object, path }, "expected a list of rules")] };
  }
  for (const [place, rule] of rules.entries()) {
    const where = { object, path: [...path, place] };
    const pattern: unknown = isObject(rule) ? rule["metricName"] : undefined;
    if (typeof pattern !== "string") {
      problems.push(problemAt(where, "expected a `metricName`"));
      continue;
    }
    const matched = matching(pattern, metrics);
    if (matched === null) {
      const cure = "Write names, `.*`, or an expression without groups.";
      problems.push(problemAt(where, `the expression ${pattern} is not emulated`, cure));
    } else if (matched.length === 0) {
      const what = `the rule ${pattern} matches no metric, so Argo ends the run with an error`;
      problems.push(problemAt(where, what, `The metrics are: ${metrics.join(", ")}.`));
    } else for (const name of matched) names.add(name);
  }
  return { names, problems };
}

/** Null for an expression that is not emulated. One that does not compile matches nothing. */
function matching(pattern: string, names: readonly string[]): readonly string[] | null {
  const repeats = pattern.match(/[*+?]/g)?.length ?? 0;
  if (!SAFE.test(pattern) || repeats > MOST_REPEATS) return null;
  try {
    const expression = new RegExp(pattern);
    return names.filter((name) => expression.test(name));
  } catch {
    return [];
  }
}
