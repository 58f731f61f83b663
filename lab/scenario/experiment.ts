/** Prints scenarios as experiments: the question, a row for each policy, and how sure it is. */

import { Table } from "console-table-printer";
import { formatTime, own, type JsonObject } from "../../engine/index.ts";
import type { Progress } from "../progress.ts";
import { compareDocument } from "../compare/document.ts";
import type { Evaluated, Evaluation } from "../compare/evaluate.ts";
import { differenceSentences } from "../compare/print.ts";
import { fieldWords, formatValue } from "../compare/words.ts";
import type { Estimate } from "../score/scorecard.ts";
import { agentLines, fatesOf } from "./agentStory.ts";
import { clockText } from "./clock.ts";
import { fieldOf } from "./expectation.ts";
import { runInline, type InlineRun } from "./inline.ts";
import type { InlineScenario, Scenario, ScoredScenario } from "./read.ts";
import type { Samples } from "./samples.ts";
import { evaluateScenario, MODELLED } from "./scored.ts";
import { traceText } from "./trace.ts";
import { counted } from "../counted.ts";

export type Experiment =
  | {
      readonly kind: "inline";
      readonly scenario: InlineScenario;
      readonly runs: readonly { readonly policy: string; readonly run: InlineRun }[];
    }
  | {
      readonly kind: "scored";
      readonly scenario: ScoredScenario;
      readonly evaluation: Evaluation;
    };

export async function runScenario(
  scenario: Scenario,
  samples: Samples,
  progress: Progress,
): Promise<Experiment> {
  if (scenario.kind === "inline") {
    const { inline, policies } = scenario;
    const runs = policies.map(({ name, policy }) => ({
      policy: name,
      run: runInline(inline, policy),
    }));
    return { kind: "inline", scenario, runs };
  }
  const history = await samples.of(scenario);
  const evaluation = await evaluateScenario(scenario, history, { progress, ...MODELLED });
  return { kind: "scored", scenario, evaluation };
}

/** @param trace for a deployment that is written out: also print every decision and its reason */
export function experimentText(experiment: Experiment, trace: boolean): string {
  const { question, name, why, answer } = experiment.scenario.written;
  const found =
    experiment.kind === "inline"
      ? inlineLines(experiment, trace)
      : scoredLines(experiment.scenario, experiment.evaluation);
  return [
    question ?? name,
    `  ${experiment.scenario.source.file}: ${why.trim()}`,
    "",
    ...found,
    ...(answer === undefined ? [] : ["", `Answer: ${answer.trim()}`]),
  ].join("\n");
}

function inlineLines(
  { scenario, runs }: Extract<Experiment, { kind: "inline" }>,
  trace: boolean,
): string[] {
  const { startsAtMs } = scenario.inline;
  const clock = (ms: number | null | undefined): string =>
    ms == null ? "–" : clockText(ms, startsAtMs);
  const table = newTable(["policy", "ends", "tier", "asks", "rolled back", "people"]);
  for (const { policy, run } of runs) {
    const { end, tier, timesMs, commands } = run.happened;
    const pages = (commands ?? []).filter((line) => line.endsWith(" page")).length;
    table.addRow({
      policy,
      ends: end ?? "(still watched)",
      tier: tier ?? "–",
      asks: clock(timesMs.proposed),
      "rolled back": clock(timesMs.executed),
      people: pages === 0 ? "no page" : `${pages} paged`,
    });
  }
  const traces = runs.flatMap(({ policy, run }) => [
    "",
    traceText({ ...scenario.written, policy, startsAtMs }, run.host).trimEnd(),
  ]);
  return [table.render(), ...agentLines(scenario.inline, runs), ...(trace ? traces : [])];
}

/** The columns that are always shown, besides the fields that the scenario expects values of. */
const COLUMNS = ["rollbacks", "falsePositiveRollbacks", "missRate", "mttr", "pagesPerWeek", "cost"];

function scoredLines(scenario: ScoredScenario, evaluation: Evaluation): string[] {
  const expected = scenario.expected.flatMap(({ expectation: { scores, against } }) => [
    ...Object.keys(scores ?? {}),
    ...Object.values(against ?? {}).flatMap((verdicts) => Object.keys(verdicts)),
  ]);
  const fields = [...new Set([...COLUMNS, ...expected])];
  const table = newTable(["policy", ...fields], fieldWords);
  for (const one of evaluation.policies) {
    const cells = fields.map((field) => [field, cell(one, field)] as const);
    table.addRow({ policy: one.policy.policy, ...Object.fromEntries(cells) });
  }
  const { policies, manifest } = evaluation;
  const { outcomes } = policies[0]!;
  const services = new Set(outcomes.map(({ service }) => service));
  const about =
    `${counted(outcomes.length, "deployment")} of ${counted(services.size, "service")}; ` +
    `people: ${manifest.peopleFrom}; 95 % intervals in brackets.`;
  return [
    table.render(),
    about,
    ...(policies.length < 2 ? [] : ["", ...differenceSentences(evaluation)]),
    ...manifest.notes.map((note) => `Note: ${note}`),
  ];
}

function newTable(
  columns: readonly string[],
  titleOf: (name: string) => string = (name) => name,
): Table {
  return new Table({
    columns: columns.map((name) => ({ name, title: titleOf(name), alignment: "left" as const })),
    shouldDisableColors: true,
  });
}

function cell({ scored }: Evaluated, field: string): string {
  const { unit } = fieldOf(field)!;
  const [name, statistic] = field.split(".") as [string, string | undefined];
  const found = own(scored.scorecard, name) as Estimate & JsonObject<Estimate>;
  const { value, low, high } = statistic === undefined ? found : own(found, statistic)!;
  if (value === null) return "–";
  const text = formatValue(unit, value);
  if (low === null || high === null || low === high) return text;
  return `${text} [${formatValue(unit, low)}, ${formatValue(unit, high)}]`;
}

/** The JSON of `scenario run`. */
export function experimentDocument(experiment: Experiment) {
  const { name, question = null, why, answer = null } = experiment.scenario.written;
  const about = { file: experiment.scenario.source.file, name, question, why, answer };
  if (experiment.kind === "scored") {
    return { ...about, ...compareDocument(experiment.evaluation) };
  }
  const iso = (ms: number | null): string | null => (ms === null ? null : formatTime(ms));
  return {
    ...about,
    policies: experiment.runs.map(({ policy, run }) => {
      const { timesMs, ...rest } = run.happened;
      const times = Object.entries(timesMs).map(([key, ms]) => [key, iso(ms)] as const);
      const proposals = fatesOf(experiment.scenario.inline, run).map(
        ({ proposal: { proposalId, agent, confidence, knownAtMs }, became, says }) => {
          return { proposalId, agent, confidence, at: iso(knownAtMs), became, says };
        },
      );
      return { policy, ...rest, times: Object.fromEntries(times), proposals };
    }),
  };
}
