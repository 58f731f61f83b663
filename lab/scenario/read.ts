/**
 * Reads and checks scenario files. All errors in all files are reported at once, each with file,
 * line, column and cure.
 *
 * Law: a scenario without expectations is an error.
 */

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isMap, isScalar } from "yaml";
import type { Policy } from "../../engine/index.ts";
import { Problem, Problems } from "../problem.ts";
import { policyWithin } from "../policy/load.ts";
import { parseYaml, placeIn, readText } from "../yaml.ts";
import { inlineOf, type Inline } from "./events.ts";
import type { InlineExpectation, Path, ScoredExpectation } from "./expectation.ts";
import { readExpectations, type Expected } from "./readExpectation.ts";
import { issueProblem, problemsOf } from "./problems.ts";
import { crossIssues, scenarioForm, unclearTimes, type ScenarioForm } from "./form.ts";
import { besideOf, policiesOf, type NamedPolicy, type Source } from "./policies.ts";
import { misplacedProposals } from "./proposals.ts";
import { readSeries } from "./series.ts";

interface Common {
  readonly source: Source;
  readonly written: ScenarioForm;
  readonly policies: readonly NamedPolicy[];
}

/** A scenario with one deployment that is written out. */
export interface InlineScenario extends Common {
  readonly kind: "inline";
  readonly inline: Inline;
  readonly expected: readonly Expected<InlineExpectation>[];
}

/** A scenario with many deployments: of a history, or of a world. */
export interface ScoredScenario extends Common {
  readonly kind: "scored";
  readonly expected: readonly Expected<ScoredExpectation>[];
}

export type Scenario = InlineScenario | ScoredScenario;

const WHAT = "a scenario file, or of a directory that holds some";

/** @throws Problems with everything that is wrong */
export function readScenario(file: string): Scenario {
  const text = readText(file, "scenario file", `Give the path of ${WHAT}.`);
  const source: Source = { file, text, ...parseYaml(text, file) };
  const value: unknown = source.value();
  if (!isObject(value) || !TELLING.some((key) => Object.hasOwn(value, key))) {
    throw new Problem(`this is no scenario: it has none of ${TELLING.join(", ")}`, {
      file,
      cure: "`hindsight scenario new` starts one.",
    });
  }
  const parsed = scenarioForm.safeParse(value);
  const problems = parsed.success ? [] : problemsOf(source, parsed.error, scenarioForm);
  const complain = (problem: Problem): number => problems.push(problem);
  problems.push(
    ...crossIssues(value).map(({ path, message }) => issueProblem(source, path, message)),
  );
  if (parsed.success) {
    problems.push(
      ...[...unclearTimes(parsed.data), ...misplacedProposals(parsed.data)].map(
        ({ path, message }) => issueProblem(source, path, message),
      ),
    );
  }
  const loose = parsed.data ?? (value as ScenarioForm);
  problems.push(...unreadableSeries(source, loose));
  const later = parsed.success ? laterPolicies(source, parsed.data, complain) : [];
  const hasPolicy = loose.policy !== undefined || isObject(loose.policies);
  const policies = hasPolicy ? policiesOf(source, loose, complain) : [];
  const scored = loose.history !== undefined || loose.world !== undefined;
  const expected = readExpectations(source, loose, policies, scored, complain);
  if (problems.length > 0 || !parsed.success) throw new Problems(problems);
  const common = { source, written: parsed.data, policies };
  if (scored) return { ...common, kind: "scored", expected };
  const inline = inlineOf(parsed.data, (index) => later[index]!);
  return { ...common, kind: "inline", inline, expected };
}

/** @throws Problems with what is wrong in any of them */
export function readScenarios(files: readonly string[]): Scenario[] {
  const problems: Problem[] = [];
  const scenarios = files.flatMap((file) => {
    try {
      return [readScenario(file)];
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error);
      return [];
    }
  });
  if (problems.length > 0) throw new Problems(problems);
  return scenarios;
}

function entriesOf(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The policies that `policy` events put in force, by index of the event. */
function laterPolicies(
  source: Source,
  { events = [] }: ScenarioForm,
  complain: (problem: Problem) => void,
): (Policy | undefined)[] {
  return events.map(({ policy }, index) => {
    if (policy === undefined) return undefined;
    try {
      return policyWithin(source, ["events", index, "policy", "is"], source.file);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      complain(error);
      return undefined;
    }
  });
}

function unreadableSeries(source: Source, { series, seasons }: ScenarioForm): Problem[] {
  const texts: [Path, unknown][] = [
    ...entriesOf(series).map(([key, text]): [Path, unknown] => [["series", key], text]),
    ...entriesOf(seasons).map(([key, season]): [Path, unknown] => [
      ["seasons", key, "values"],
      isObject(season) && "values" in season ? season.values : undefined,
    ]),
  ];
  return texts.flatMap(([path, text]) => {
    if (typeof text !== "string") return [];
    return readSeries(text).unreadable.map(
      ({ token, at }) =>
        new Problem(`${path.join(".")}: cannot read \`${token}\``, {
          file: source.file,
          ...placeOfToken(source, path, text, at),
          cure: "Tokens are 240, 240x12, _ (a missing scrape), _x3, stale, stalex4.",
        }),
    );
  });
}

/** The position in the file of a token within a YAML string, however it is quoted or folded. */
function placeOfToken(
  source: Source,
  path: Path,
  text: string,
  at: number,
): { readonly line: number; readonly column: number } {
  const node = source.document.getIn(path, true);
  if (!isScalar(node) || node.range == null) return placeIn(source, path);
  const [from, to] = node.range;
  const before = text
    .slice(0, at)
    .split(/\s+/)
    .filter((word) => word !== "").length;
  const words = [...source.text.slice(from, to).matchAll(/[^\s"'|>]+/g)];
  const word = words[before];
  if (word === undefined) return placeIn(source, path);
  const { line, col } = source.lines.linePos(from + word.index);
  return { line, column: col };
}

/**
 * A document with one of these keys is meant to be a scenario, unlike policies, costs and so on.
 */
const TELLING = ["why", "expect", "series", "question"];

/**
 * The scenario files that arguments name. From a directory and its subdirectories, the YAML files
 * that look like scenarios are taken; a file that is named itself is always taken.
 *
 * @throws Problem when a path does not exist, or a directory holds none
 */
export function scenarioFiles(paths: readonly string[]): string[] {
  const found = paths.flatMap((path) => {
    if (!statSync(path, { throwIfNoEntry: false })) {
      throw new Problem("no such file or directory", {
        file: path,
        cure: `Give the path of ${WHAT}.`,
      });
    }
    if (!statSync(path).isDirectory()) return [path];
    const files = yamlBelow(path).filter(looksLikeOne);
    if (files.length > 0) return files;
    throw new Problem("no scenario in this directory", {
      file: path,
      cure: "`hindsight scenario new` starts one.",
    });
  });
  return [...new Set(found)];
}

function yamlBelow(dir: string): string[] {
  const entries = readdirSync(dir, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    if (entry.name.startsWith(".") || entry.name === "node_modules") return [];
    const path = join(dir, entry.name);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return yamlBelow(path);
    return /\.ya?ml$/.test(entry.name) ? [path] : [];
  });
}

function looksLikeOne(file: string): boolean {
  const text = readText(file, "file", "Make it readable.");
  // Several documents in one file are objects of Kubernetes, and never a scenario.
  if (/\n---\s/.test(text.replace(/^(?:\s*#.*\n)*---\s/, ""))) return false;
  const { document } = parseYaml(text, file);
  const { contents } = document;
  // A list of series is a file that binds queries to metrics.
  const tells = (key: string): boolean =>
    key === "series" ? isMap(document.get(key)) : document.has(key);
  return isMap(contents) && TELLING.some(tells);
}

/** A path named in a scenario, made relative to the working directory. */
export function pathOf({ source }: Scenario, named: string): string {
  return besideOf(source.file, named);
}
