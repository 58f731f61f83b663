/** The queries of all files of incumbents, for an import that asks them. */

import { isQueryName } from "../../../engine/index.ts";
import { Problem, Problems } from "../../problem.ts";
import { ARGO_SETTINGS, importArgo, isArgoObject } from "./argo.ts";
import type { Arguments } from "./argoArguments.ts";
import { readDocuments } from "./document.ts";
import { importKayenta, isKayentaObject } from "./kayenta.ts";
import { importRules } from "./prometheus.ts";
import { isRuleObject } from "./ruleFile.ts";

/** A query; arguments without a value stand in it as `{{args.NAME}}`. */
export interface QueryOfFiles {
  readonly name: string;
  readonly expr: string;
  readonly open: readonly string[];
  readonly intervalMs: number;
}

/**
 * @param args values of arguments, before those of the files; one with `{service}` or `{version}`
 *   in it stays open
 * @throws Problems with everything that cannot be emulated, each with file and line
 */
export function queriesOfFiles(files: readonly string[], args: Arguments): QueryOfFiles[] {
  const read = files.map((file) => readDocuments(file, "file of an incumbent"));
  const objects = read.flatMap((one) => one.objects);
  const same = new Map([...args].filter(([, value]) => !/\{(service|version)\}/.test(value)));
  const argo = importArgo(objects.filter(isArgoObject), { ...ARGO_SETTINGS, args: same });
  const rules = importRules(objects.filter(isRuleObject));
  const canaries = importKayenta(objects.filter(isKayentaObject));
  const problems = [
    ...read.flatMap((one) => one.problems),
    ...[argo, rules, canaries].flatMap((one) => one.problems),
  ];
  const queries = new Map<string, QueryOfFiles>();
  const add = (query: QueryOfFiles): void => {
    const { name } = query;
    const known = queries.get(name);
    if (known === undefined) queries.set(name, query);
    const isOther =
      known !== undefined && (known.expr !== query.expr || known.intervalMs !== query.intervalMs);
    if (!isOther && isQueryName(name)) return;
    problems.push(
      isOther
        ? new Problem(`two queries have the name ${name}`, { cure: "Import their files apart." })
        : new Problem(`the name ${name} has one of { * | in it`, {
            cure: "Rename the metric or rule.",
          }),
    );
  };
  for (const { queries: own } of [...argo.imported, ...canaries.imported]) own.forEach(add);
  for (const query of rules.queries) add({ ...query, open: [] });
  if (problems.length === 0 && queries.size === 0) {
    const cure =
      "Queries are read from AnalysisTemplates, Rollouts, canary configs and rule groups.";
    problems.push(new Problem("there is no query in it", { file: files.join(", "), cure }));
  }
  if (problems.length > 0) throw new Problems(problems);
  return [...queries.values()];
}
