/** Lints files of incumbents: every document goes to the linter of its kind. */

import { Problem } from "../../problem.ts";
import { readDocuments, type KubernetesObject } from "../import/document.ts";
import { ARGO_LINTER } from "./argo.ts";
import { FLAGGER_LINTER } from "./flagger.ts";
import { KAYENTA_LINTER } from "./kayenta.ts";
import { RULE_LINTER } from "./prometheus.ts";
import type { Linted, LintFinding, Linter, LintSettings } from "./finding.ts";

const LINTERS: readonly Linter[] = [ARGO_LINTER, FLAGGER_LINTER, KAYENTA_LINTER, RULE_LINTER];

export function lintFiles(files: readonly string[], settings: LintSettings): Linted {
  const objects: KubernetesObject[] = [];
  const problems: Problem[] = [];
  for (const file of files) {
    const read = readDocuments(file, "file of an incumbent");
    problems.push(...read.problems);
    const known = read.objects.filter((object) => LINTERS.some(({ reads }) => reads(object)));
    objects.push(...known);
    if (known.length > 0 || read.problems.length > 0) continue;
    const cure =
      "AnalysisTemplates, Rollouts, Canaries, canary configs and rule groups are linted.";
    problems.push(new Problem("there is nothing to lint", { file, cure }));
  }
  const linted = LINTERS.flatMap(({ reads, lint }) => {
    const own = objects.filter(reads);
    return own.length === 0 ? [] : [lint(own, settings)];
  });
  return {
    findings: linted.flatMap(({ findings }) => findings).sort(byPlace),
    problems: [...problems, ...linted.flatMap((one) => one.problems)],
    plans: linted.flatMap(({ plans }) => plans),
  };
}

function byPlace(left: LintFinding, right: LintFinding): number {
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return left.line - right.line;
}
