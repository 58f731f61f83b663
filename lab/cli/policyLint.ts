/** `hindsight policy lint`: what in an incumbent will go wrong, found by running it. */

import { Command, InvalidArgumentError } from "commander";
import { elementOf, type JsonObject } from "../../engine/index.ts";
import { counted, countText } from "../counted.ts";
import { openHistory } from "../history/open.ts";
import { boundBy, readBindings } from "../policy/import/binding.ts";
import type { Bound } from "../policy/import/policyFile.ts";
import { findingsIn, type CountedFinding, type Happened } from "../policy/lint/happened.ts";
import { lintFiles } from "../policy/lint/lint.ts";
import type { Linted, LintFinding } from "../policy/lint/finding.ts";
import { Problem } from "../problem.ts";
import { duration } from "./options.ts";
import { note, print, printJson } from "./output.ts";

interface Flags {
  readonly arg: ReadonlyMap<string, string>;
  readonly watch: number;
  readonly serviceLabel?: string;
  readonly history?: string;
  readonly series?: string;
  readonly metric: ReadonlyMap<string, string>;
  readonly json?: true;
}

/** What is shown of a finding; `happened` only with a history. */
type Shown = LintFinding & Partial<Pick<CountedFinding, "happened">>;

const HOUR_MS = 3_600_000;

const EXIT_FOUND = 1;
const EXIT_NOT_LINTED = 3;

export function lintCommand(): Command {
  return new Command("lint")
    .description(
      "Say what in AnalysisTemplates and Rollouts of Argo, in Canaries of Flagger, in canary\n" +
        "configs of Kayenta, or in alerting rules of Prometheus goes wrong: without data, on\n" +
        "NaN, in an outage of the metrics, or always. Ends with 1 where it finds something, and\n" +
        "with 3 where it finds nothing but a part cannot be linted.",
    )
    .argument("<files...>", "YAML or JSON files, several documents each")
    .option(
      "--arg <name=value>",
      "the value of an argument, as often as needed",
      argument,
      new Map(),
    )
    .option("--watch <time>", "how long a deployment is watched", duration, HOUR_MS)
    .option("--service-label <name>", "count alerts only whose label is the deployed service")
    .option("--history <dir>", "say how often each finding would have happened in this history")
    .option(
      "--series <file>",
      "by which metrics of the history queries are answered, by their text",
    )
    .option("--metric <query=metric>", "the same by the name of a query", argument, new Map())
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight policy lint deploy/rollout.yaml deploy/analysis.yaml \\\n" +
        "    --arg service-name=checkout --history quarter --metric success-rate=success_ratio",
    )
    .action(async (files: readonly string[], flags: Flags) => {
      const { arg: args, watch: watchMs, serviceLabel, json } = flags;
      const labelled = serviceLabel === undefined ? {} : { serviceLabel };
      const linted = lintFiles(files, { args, watchMs, ...labelled });
      const { problems } = linted;
      const findings = await shownOf(linted, flags);
      if (json) printJson({ findings, notLinted: problems.map(placed) });
      else say(findings, problems, files.length);
      if (findings.length > 0) process.exitCode = EXIT_FOUND;
      else if (problems.length > 0) process.exitCode = EXIT_NOT_LINTED;
    });
}

/** The findings, counted where there is a history. */
async function shownOf(
  linted: Linted,
  { history: dir, series, metric, watch }: Flags,
): Promise<readonly Shown[]> {
  if (dir === undefined) return linted.findings;
  const bindings = series === undefined ? [] : readBindings(series);
  const history = await openHistory(dir);
  try {
    const known = new Set(history.series.map((one) => elementOf(one.metric).query));
    return await findingsIn(history, linted, watch, ({ queries }) => {
      const bound = new Map<string, Bound>([
        ...(series === undefined ? [] : boundBy(bindings, queries, series)),
        ...[...metric].map(([name, own]): [string, Bound] => [name, { metric: own }]),
      ]);
      const missing = queries.find(({ name }) => !known.has(bound.get(name)?.metric ?? name));
      if (missing === undefined) return bound;
      const wanted = bound.get(missing.name)?.metric ?? missing.name;
      throw new Problem(`the history has no metric ${wanted}, which answers ${missing.name}`, {
        file: dir,
        cure: `Name one of ${[...known].toSorted().join(", ")} with --metric or --series.`,
      });
    });
  } finally {
    history.close();
  }
}

/** `in 412 of 2,596 deployments, 284 of them rolled back for it (a, b, c)`. */
function happenedText({ deployments, rolledBack, of, first }: Happened): string {
  const some = `in ${countText(deployments)} of ${counted(of, "deployment")}`;
  const undone =
    rolledBack === null || deployments === 0
      ? ""
      : `, ${countText(rolledBack)} of them rolled back for it`;
  return `${some}${undone}${first.length === 0 ? "" : ` (${first.join(", ")})`}`;
}

function argument(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const [name = "", ...value] = text.split("=");
  if (name === "" || value.length === 0) {
    throw new InvalidArgumentError("expected an argument such as service-name=checkout");
  }
  return new Map([...before, [name, value.join("=")]]);
}

function placed({ what, where }: Problem): JsonObject<string | number | null> {
  const { file = null, line = null, column = null, cure = null } = where;
  return { file, line, column, message: what, cure };
}

function say(findings: readonly Shown[], problems: readonly Problem[], files: number): void {
  for (const { file, line, column, subject, what, mend, happened } of findings) {
    print(`${file}:${line}:${column}: ${subject}: ${what}`);
    if (happened !== undefined && happened !== null) print(`  ${happenedText(happened)}`);
    if (mend === null) continue;
    for (const [place, text] of mend.split("\n").entries()) {
      print(`  ${place === 0 ? "mend:" : "     "} ${text}`);
    }
  }
  for (const { message } of problems) note(`not linted: ${message}`);
  const noun = findings.length === 1 ? "finding" : "findings";
  note(`${findings.length} ${noun} in ${files} ${files === 1 ? "file" : "files"}.`);
}
