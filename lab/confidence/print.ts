/** A learned confidence as a terminal shows it. */

import { Table } from "console-table-printer";
import {
  formatDuration,
  formatShare,
  supportedBy,
  type ConfidenceModel,
} from "../../engine/index.ts";
import { counted } from "../counted.ts";
import type { Case } from "./cases.ts";
import { isRegression } from "./learn.ts";
import type { LearnedConfidence } from "./learnFrom.ts";
import { CASES_AT_LEAST } from "./reliability.ts";
import type { Scores } from "./walkForward.ts";

/** What tiers ask for in the shipped policies. */
const ASKED = [0.5, 0.8, 0.95] as const;

export function confidenceText({ cases, walkForward }: LearnedConfidence): string {
  const { labelled, regressions, tooEarly, deployments, alarms } = walkForward;
  const lines = [
    `${counted(labelled, "labelled deployment")}, ${regressions} of them regressions. ` +
      `The first ${tooEarly} are too early to be judged: too few labels were known.`,
    "Each is judged by what was learned from labels known at its moment.",
    "",
    scoresTable([
      ["all deployments", deployments],
      ...alarms.map(({ delayMs, scores }): [string, Scores | null] => [
        delayMs === 0 ? "at the first alarm" : `${formatDuration(delayMs)} later`,
        scores,
      ]),
    ]),
    "Brier and log loss: lower is better. Base: always saying the share of regressions. " +
      "Gain: Brier less its base. Below zero, the confidence tells more than the share.",
  ];
  if (deployments !== null) {
    lines.push(
      "",
      "Was it right as often as it said? All deployments, by tenths of the confidence:",
      tenthsTable(deployments.tenths),
      `Expected: the share, jointly in 95 of 100 histories, where the confidence is right. ` +
        `Only for tenths with ${CASES_AT_LEAST} deployments.`,
    );
  }
  lines.push("", supportText(cases));
  return lines.join("\n");
}

/** What so many labels allow a confidence to be, and which tiers that puts out of reach. */
function supportText(cases: readonly Case[]): string {
  const alarmed = cases.filter((one) => one.ground === "alarm" && isRegression(one)).length;
  const cap = supportedBy(alarmed);
  const beyond = ASKED.filter((asked) => asked > cap).map((asked) => formatShare(asked));
  const says =
    `${counted(alarmed, "regression")} with an alarm ${alarmed === 1 ? "supports" : "support"} ` +
    `a confidence of ${formatShare(Math.floor(cap * 1000) / 1000)} at most.`;
  return beyond.length === 0
    ? says
    : `${says} A tier that asks for ${beyond.join(" or ")} is out of reach.`;
}

/** What a model rests on, and the most that it can say. */
export function modelText(model: ConfidenceModel, digest: string): string {
  const { learnedOf, labels, alarm, engineVersion } = model;
  const { policy, history, knownUntil } = learnedOf;
  const table = new Table({ shouldDisableColors: true });
  for (const { delayMs, cases, regressions, fitted } of alarm) {
    table.addRow({
      moment: delayMs === 0 ? "at the first alarm" : `${formatDuration(delayMs)} later`,
      cases,
      regressions,
      "at most": fitted === null ? "evidence only" : formatShare(supportedBy(regressions)),
    });
  }
  return [
    `Model ${digest.slice(0, 12)}, learned by engine ${engineVersion} of ${policy.name} ` +
      `(${policy.digest.slice(0, 12)}) on history ${history.slice(0, 12)}.`,
    `${counted(labels.cases, "label")}, ${labels.regressions} of them regressions; ` +
      `the last was known at ${knownUntil}.`,
    table.render(),
  ].join("\n");
}

function scoresTable(rows: readonly (readonly [string, Scores | null])[]): string {
  const table = new Table({ shouldDisableColors: true });
  for (const [name, scores] of rows) {
    if (scores === null) {
      table.addRow({ moment: name, n: 0, regressions: 0 });
      continue;
    }
    const { value, low, high } = scores.gain;
    table.addRow({
      moment: name,
      n: scores.n,
      regressions: scores.regressions,
      Brier: scores.brier.toFixed(4),
      base: scores.baseBrier.toFixed(4),
      "gain (95 %)": `${value.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`,
      "log loss": scores.logLoss.toFixed(3),
      "base log loss": scores.baseLogLoss.toFixed(3),
    });
  }
  return table.render();
}

export function tenthsTable(tenths: Scores["tenths"]): string {
  const table = new Table({ shouldDisableColors: true });
  for (const { from, n, mean, observed, band } of tenths) {
    table.addRow({
      confidence: `${formatShare(from)} to ${formatShare(from + 0.1)}`,
      n,
      said: formatShare(mean),
      "were regressions": formatShare(observed),
      expected: band === null ? "–" : `${formatShare(band.low)} to ${formatShare(band.high)}`,
      "as said": band === null ? "–" : band.isInside ? "yes" : "no",
    });
  }
  return table.render();
}
