/** The gate's verdict for people and for CI: terminal, Markdown for a pull request, JUnit. */

import { diffPolicies } from "../../engine/index.ts";
import type { Flip } from "../compare/compare.ts";
import { compareDocument } from "../compare/document.ts";
import type { Answer } from "../compare/answer.ts";
import { flipLines } from "../compare/print.ts";
import { neededFor } from "../compare/needed.ts";
import { fieldWords } from "../compare/words.ts";
import { junitXml, type JunitCase } from "../junit.ts";
import type { Check, Gate, GateVerdict, JudgedFlip } from "./gate.ts";
import { counted } from "../counted.ts";

const FLIPS_SHOWN = 10;
const WORDS: Readonly<Record<GateVerdict, string>> = {
  pass: "PASS",
  fail: "FAIL",
  inconclusive: "INCONCLUSIVE",
};

/** The JSON of `gate`: the JSON of `compare`, plus the verdict and its checks. */
export function gateDocument(evaluation: Answer, gate: Gate) {
  const { verdict, checks, flips, unused } = gate;
  return {
    ...compareDocument(evaluation),
    verdict,
    checks,
    flips,
    unusedAcceptedFlips: unused,
  };
}

function headline({ verdict, checks }: Gate, evaluation: Answer): string {
  const [baseline, candidate] = evaluation.policies;
  const names = `${candidate!.policy.policy} against ${baseline!.policy.policy}`;
  const of = (one: GateVerdict): string[] =>
    checks.filter((check) => check.verdict === one).map(({ name }) => fieldWords(name));
  switch (verdict) {
    case "pass":
      return `${names}: nothing the budget guards gets worse by more than it allows.`;
    case "fail":
      return `${names}: worse than the budget allows in ${of("fail").join(", ")}.`;
    case "inconclusive":
      return `${names}: this history cannot tell about ${of("inconclusive").join(", ")}.`;
  }
}

/** Otherwise a longer window fails for what was assumed. */
const SILENT =
  ": every window times out and every approval expires, so longer ones look worse (see --people)";

/** @param weeks of the history that were judged; null where that is unknown */
export function gateText(evaluation: Answer, gate: Gate, weeks: number | null = null): string {
  const { people, peopleFrom } = evaluation.manifest;
  const width = Math.max(...gate.checks.map(({ name }) => name.length));
  const lines = gate.checks.map(
    ({ name, verdict, reason }) =>
      `  ${WORDS[verdict].toLowerCase().padEnd(12)}  ${name.padEnd(width)}  ${reason}`,
  );
  const open = unaccepted(gate.flips);
  const needed = neededIn(gate, evaluation, weeks);
  return [
    `${WORDS[gate.verdict]}: ${headline(gate, evaluation)}`,
    "",
    ...lines,
    "",
    ...(needed === null ? [] : [needed]),
    flipSummary(gate.flips),
    ...flipLines(open, FLIPS_SHOWN),
    ...gate.unused.map(
      ({ deployment, end }) => `Accepted but not found: ${deployment} ending ${end}.`,
    ),
    `People: ${people} (${peopleFrom})${people === "absent" ? SILENT : ""}.`,
  ].join("\n");
}

function unaccepted(flips: readonly JudgedFlip[]): readonly Flip[] {
  return flips.filter(({ accepted }) => accepted === null);
}

function flipSummary(flips: readonly JudgedFlip[]): string {
  if (flips.length === 0) return "No deployment ends differently.";
  const count = (change: Flip["change"]): number =>
    flips.filter((flip) => flip.change === change && flip.accepted === null).length;
  const accepted = flips.filter((flip) => flip.accepted !== null).length;
  return (
    `${counted(flips.length, "deployment")} with another end: ${count("better")} better, ` +
    `${count("worse")} worse, ${count("open")} that cannot be told, ` +
    `${count("neutral")} neither, ${accepted} accepted.`
  );
}

/** What a verdict would need, where this is none; null where nothing simple is missing. */
function neededIn({ verdict }: Gate, evaluation: Answer, weeks: number | null): string | null {
  return verdict === "inconclusive" ? neededFor(evaluation, weeks) : null;
}

/**
 * A pull request comment; escapes `|` and line breaks, which would break its tables.
 *
 * @param weeks of the history that were judged; null where that is unknown
 */
export function gateMarkdown(evaluation: Answer, gate: Gate, weeks: number | null = null): string {
  const needed = neededIn(gate, evaluation, weeks);
  const { manifest } = evaluation;
  const row = (cells: readonly string[]): string => `| ${cells.map(inCell).join(" | ")} |`;
  const flips = unaccepted(gate.flips);
  const order: readonly Flip["change"][] = ["worse", "better", "open", "neutral"];
  const sorted = [...flips].sort((a, b) => order.indexOf(a.change) - order.indexOf(b.change));
  const shown = sorted.slice(0, FLIPS_SHOWN);
  const more = flips.length - shown.length;
  return [
    `## Policy gate: ${WORDS[gate.verdict]}`,
    "",
    inCell(headline(gate, evaluation)),
    "",
    ...changeLines(evaluation),
    "",
    "| guard | verdict | why |",
    "| --- | --- | --- |",
    ...gate.checks.map(({ name, verdict, reason }) => row([`\`${name}\``, verdict, reason])),
    "",
    ...(needed === null ? [] : [needed, ""]),
    flipSummary(gate.flips),
    ...(shown.length === 0
      ? []
      : [
          "",
          "| | deployment | label | ends | would end | why |",
          "| --- | --- | --- | --- | --- | --- |",
          ...shown.map((flip) =>
            row([
              flip.change,
              `\`${flip.deploymentId}\``,
              flip.label,
              flip.baseline.end,
              flip.candidate.end,
              flip.why,
            ]),
          ),
        ]),
    ...(more > 0 ? ["", `… and ${more} more in the JSON.`] : []),
    "",
    ...manifest.notes.flatMap((text) => [inCell(text), ""]),
    `<sub>history \`${manifest.history.digest.slice(0, 12)}\`, ` +
      manifest.policies
        .map(({ name, digest }) => `${inCell(name)} \`${digest.slice(0, 12)}\``)
        .join(", ") +
      `, people ${inCell(manifest.people)}, engine ${manifest.engineVersion}, ` +
      `seed ${manifest.seed}</sub>`,
    "",
  ].join("\n");
}

/** What the candidate does differently, as a list; a different name alone does not count. */
function changeLines({ policies: [baseline, candidate] }: Answer): string[] {
  const differences = diffPolicies(baseline!.policy, candidate!.policy);
  const changes = differences.filter(({ path }) => path[0] !== "policy");
  if (changes.length === 0) return ["The two policies say the same."];
  return ["What changes:", "", ...changes.map(({ text }) => `- ${inCell(text)}`)];
}

function inCell(text: string): string {
  return text
    .replaceAll("|", "\\|")
    .replace(/\s*\n\s*/g, " ")
    .replaceAll("<", "&lt;");
}

/** JUnit XML for CI servers: an inconclusive guard is an error, not a failure. */
export function gateJunit(evaluation: Answer, gate: Gate): string {
  const suite = `hindsight gate: ${evaluation.policies[1]!.policy.policy}`;
  return junitXml(suite, gate.checks.map(testCase));
}

function testCase({ name, verdict, reason }: Check): JunitCase {
  const failed = verdict === "fail";
  return {
    className: "hindsight.gate",
    name,
    problem:
      verdict === "pass"
        ? null
        : {
            element: failed ? "failure" : "error",
            type: failed ? "worse than the budget allows" : "inconclusive",
            message: reason,
          },
  };
}
