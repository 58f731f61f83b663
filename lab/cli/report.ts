/** `hindsight report`: the quarterly tuning report, and whether one is what it says it is. */

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { DEFAULT_BUDGET, loadBudget } from "../gate/budget.ts";
import type { LabelChoice } from "../history/labels/choose.ts";
import { readManifest } from "../history/manifest.ts";
import { openHistory } from "../history/open.ts";
import { choosePeople, peopleAsked } from "../people/choose.ts";
import { loadPolicy } from "../policy/load.ts";
import { Problem } from "../problem.ts";
import { askedNow, faultsIn, readReport } from "../report/check.ts";
import {
  makeReport,
  type Asked,
  type ReportDocument,
  type ReportInput,
} from "../report/document.ts";
import { reportHtml } from "../report/html.ts";
import { reportMarkdown } from "../report/markdown.ts";
import { chromiumForPdf, printPdf } from "../report/pdf.ts";
import { parseQuarter, quartersOf, sampledShare, usualQuarter } from "../report/quarter.ts";
import { redacted } from "../report/redact.ts";
import { readSweep } from "../report/sweepInput.ts";
import { DEFAULT_COSTS, loadCosts, pricedFor } from "../score/costs.ts";
import { EFFECT_RULES, type EffectRule } from "../replay/splice.ts";
import type { EvaluateOptions } from "../compare/evaluate.ts";
import { meaningLine } from "../compare/meanings.ts";
import { distinctlyNamed } from "../compare/names.ts";
import { makeTemporaryDirectory } from "../unfinished.ts";
import { labelsOption, peopleOf, peopleOption, portsFrom, wholeNumber } from "./options.ts";
import { note, print, printFitted, printJson, progressBar } from "./output.ts";
import { writeWholeFile } from "./textFile.ts";

interface Flags {
  readonly history?: string;
  readonly policy?: string;
  readonly candidate?: string;
  readonly quarter?: string;
  readonly out?: string;
  readonly markdown?: string;
  readonly pdf?: string;
  readonly check?: string;
  readonly budget?: string;
  readonly sweep?: string;
  readonly costs?: string;
  readonly people?: string;
  readonly seed: number;
  readonly replicates: number;
  readonly draws: number;
  readonly effect: EffectRule;
  readonly labels?: LabelChoice;
  readonly lab?: string;
  readonly redact?: true;
  readonly json?: true;
}

const QUARTER_CURE = "Write the year and the quarter, such as 2026Q3.";

function quarterText(text: string): string {
  if (parseQuarter(text) !== null) return text;
  throw new InvalidArgumentError(QUARTER_CURE);
}

function address(text: string): string {
  if (/^https?:\/\/[^\s"<>]+$/.test(text)) return text;
  throw new InvalidArgumentError("expected an address such as https://lab.example.org");
}

export function reportCommand(): Command {
  return new Command("report")
    .description("Write the quarterly tuning report, or check that one is what it says it is.")
    .option("--history <dir>", "the history of the quarter")
    .option("--policy <file>", "the policy in force")
    .option("--candidate <file>", "the policy that would replace it; without it: no proposal")
    .option(
      "--quarter <quarter>",
      "calendar quarter in UTC, such as 2026Q3 (the last that the history has whole)",
      quarterText,
    )
    .option("--out <file>", "write it: .html, .md or .pdf")
    .option("--markdown <file>", "write it in Markdown as well")
    .option("--pdf <file>", "print it with Chromium as well")
    .option("--check <report>", "make a report again and name what differs")
    .option("--budget <file>", "how much worse each field may become (YAML)")
    .option("--sweep <dir>", "an earlier `hindsight sweep --out` of the policy in force")
    .option("--redact", "replace names of people and what they wrote by pseudonyms")
    .option("--lab <url>", "link each deployment into the lab at this address", address)
    .addOption(peopleOption())
    .option("--costs <file>", "what things cost you (YAML); defaults where it is silent")
    .option("--seed <n>", "seed of the bootstrap and of everything drawn", wholeNumber(0), 1)
    .option("--replicates <n>", "bootstrap samples behind every interval", wholeNumber(100), 1000)
    .option("--draws <n>", "draws of people's luck and of what history hid", wholeNumber(1), 5)
    .addOption(
      new Option("--effect <rule>", "how an effect goes on that history's rollback cut short")
        .choices(EFFECT_RULES)
        .default("hold"),
    )
    .addOption(labelsOption())
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\n--check takes --history, --policy, --candidate and --sweep where they have moved; it\n" +
        "exits with 1 and names what differs when a number, a policy or the history changed.\n" +
        "\nExamples:\n" +
        "  hindsight report --history quarter --policy current.yaml --out report.html\n" +
        "  hindsight report --history quarter --quarter 2026Q3 \\\n" +
        "    --policy current.yaml --candidate next.yaml --out report.html\n" +
        "  hindsight report --check report.html",
    )
    .action((flags: Flags) => (flags.check === undefined ? write(flags) : check(flags)));
}

async function write(flags: Flags): Promise<void> {
  const { out, markdown, pdf } = flags;
  if (out === undefined && markdown === undefined && pdf === undefined && flags.json !== true) {
    throw new Problem("a report is written somewhere", { cure: "Add --out report.html." });
  }
  if (out !== undefined && !/\.(html?|md|pdf)$/i.test(out)) {
    throw new Problem("what kind of file it is to be its name must say", {
      file: out,
      cure: "Let --out end in .html, .md or .pdf.",
    });
  }
  const printed = [out, pdf].filter((file) => file !== undefined && isPdf(file, pdf));
  const chromium = printed.length === 0 ? null : chromiumForPdf();
  const asked = await askedBy(flags);
  const document = await reportOf(asked, asked, portsFrom({}));
  for (const file of new Set([out, markdown].filter((one) => one !== undefined))) {
    if (isPdf(file, pdf)) continue;
    const isMarkdown = file === markdown || /\.md$/i.test(file);
    writeWholeFile(file, isMarkdown ? reportMarkdown(document) : reportHtml(document));
    note(`Report written to ${file}`);
  }
  if (chromium !== null) {
    const folder = makeTemporaryDirectory("report");
    try {
      const page = join(folder, "report.html");
      writeFileSync(page, reportHtml(document));
      for (const file of printed) {
        await printPdf(chromium, page, file!);
        note(`Report printed to ${file!}`);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  if (flags.json) printJson(document);
  else {
    const { title, sentences } = document.decision;
    const text = [title, ...sentences.map((sentence) => `  ${sentence}`)].join("\n");
    printFitted(text);
    const meaning = meaningLine(text);
    if (meaning !== null) printFitted(`\n${meaning}`);
  }
}

function isPdf(file: string, pdf: string | undefined): boolean {
  return file === pdf || /\.pdf$/i.test(file);
}

async function askedBy(flags: Flags): Promise<Asked> {
  const needed = (name: "history" | "policy", what: string): string => {
    const value = flags[name];
    if (value !== undefined) return value;
    throw new Problem(`--${name} is missing`, { cure: `Give ${what}.` });
  };
  const history = needed("history", "the history of the quarter");
  return {
    history,
    policy: needed("policy", "the policy in force"),
    candidate: flags.candidate ?? null,
    quarter: flags.quarter ?? quarterIn(history),
    budget: flags.budget ?? null,
    sweep: flags.sweep ?? null,
    costs: flags.costs ?? null,
    people: await peopleOf({ ...flags, history }),
    seed: flags.seed,
    replicates: flags.replicates,
    draws: flags.draws,
    effect: flags.effect,
    ...(flags.labels === undefined ? {} : { labels: flags.labels }),
    lab: flags.lab ?? "",
    redact: flags.redact ?? false,
  };
}

/** The quarter that a report is about where none is named; said, as it is a choice. */
function quarterIn(history: string): string {
  const manifest = readManifest(history);
  const quarter = usualQuarter(manifest);
  const shares = quartersOf(manifest).map((one) => {
    return `${Math.round(100 * sampledShare(one, manifest))} % of ${one.name}`;
  });
  if (quarter === null) {
    const [none, some] = [
      "--quarter is missing, and the history has no samples",
      `--quarter is missing, and the history has ${shares.join(", ")}`,
    ];
    throw new Problem(shares.length === 0 ? none : some, { file: history, cure: QUARTER_CURE });
  }
  note(`The history has ${shares.join(", ")}: --quarter ${quarter.name}`);
  return quarter.name;
}

/**
 * @param asked with the files as they are to be read; see `askedNow`
 * @param judgements who judged before; a report that is checked is made from the samples
 */
async function reportOf(
  asked: Asked,
  told: Asked,
  judgements: Pick<EvaluateOptions, "judgements"> = {},
): Promise<ReportDocument> {
  const quarter = parseQuarter(asked.quarter);
  if (quarter === null) {
    throw new Problem(`${asked.quarter} is no quarter`, { cure: QUARTER_CURE });
  }
  const policies: ReportInput["policies"] =
    asked.candidate === null
      ? [loadPolicy(asked.policy)]
      : distinctlyNamed(loadPolicy(asked.policy), loadPolicy(asked.candidate));
  const budget = asked.budget === null ? DEFAULT_BUDGET : loadBudget(asked.budget);
  const history = await openHistory(asked.history, { labels: asked.labels });
  try {
    const costs = asked.costs === null ? DEFAULT_COSTS : loadCosts(asked.costs);
    const sweep =
      asked.sweep === null
        ? null
        : readSweep(asked.sweep, {
            history: history.manifest.digest,
            policy: policies[0].digest,
            asked: peopleAsked(asked.people, choosePeople(history, asked.people, asked.seed)),
            costs: pricedFor(history.tables.services, costs),
          });
    return await makeReport(
      asked.redact ? redacted(history) : history,
      { asked: told, quarter, policies, budget, sweep },
      {
        people: asked.people,
        costs,
        seed: asked.seed,
        replicates: asked.replicates,
        draws: asked.draws,
        effect: asked.effect as EffectRule,
        progress: progressBar(),
        ...judgements,
      },
    );
  } finally {
    history.close();
  }
}

async function check(flags: Flags): Promise<void> {
  const read = readReport(flags.check!);
  const again = await reportOf(askedNow(read.asked, flags), read.asked);
  const faults = faultsIn(read, again);
  if (flags.json) printJson({ report: read.file, same: faults.length === 0, faults });
  else if (faults.length === 0) {
    print(`${read.file} is what its history and policies give, every number and every word.`);
  } else {
    print(`${read.file} is not what its history and policies give:`);
    for (const { at, report, again: made } of faults)
      print(`  ${at}: ${report}, made again ${made}`);
  }
  if (faults.length > 0) process.exitCode = 1;
}
