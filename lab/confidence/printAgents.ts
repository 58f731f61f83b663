/** How often agents are right, as a terminal shows it. */

import { Table } from "console-table-printer";
import { formatShare } from "../../engine/index.ts";
import { counted } from "../counted.ts";
import { answersText, pointsText, rounded, shareText } from "./agentWords.ts";
import { tenthsTable } from "./print.ts";
import type { AgentJudged, AgentsJudged } from "./agents.ts";

const READING = [
  "Right: the share of the proposals whose deployment was a regression.",
  "Found: the share of all regressions that it proposed to roll back.",
  "Overconfident: how much more it says than is so. Brier: lower is better.",
  "Base: the Brier score of always saying how often it is right. Intervals are 95 %.",
];

export function agentsText({ agents }: AgentsJudged): string {
  const all = agents.filter(({ kind }) => kind === null);
  const lines = [...all.map(answerOf), "", byKind(agents), ...READING];
  for (const one of all) {
    lines.push("", `If ${one.agent} acted alone from a confidence on:`, fromTable(one));
    if (one.tenths.length > 0) {
      lines.push(`Was ${one.agent} right as often as it said?`, tenthsTable(one.tenths));
    }
    lines.push(answersText(one));
  }
  return lines.join("\n");
}

/** How often it is right, and how often it says so: in a sentence. */
function answerOf({ agent, proposals, precision, meanConfidence }: AgentJudged): string {
  if (precision === null) {
    return `${agent} made ${counted(proposals, "proposal")}, and no label says which were right.`;
  }
  const right = formatShare(rounded(precision.value));
  const said = meanConfidence === null ? "" : `, and said ${formatShare(rounded(meanConfidence))}`;
  return `${agent} was right in ${right} of ${counted(precision.n, "proposal")}${said}.`;
}

function byKind(agents: readonly AgentJudged[]): string {
  const table = new Table({ shouldDisableColors: true });
  for (const one of agents) {
    table.addRow({
      agent: one.agent,
      kind: one.kind ?? "all",
      proposals: one.proposals,
      "right (95 %)": shareText(one.precision),
      "found (95 %)": shareText(one.recall),
      said: one.meanConfidence === null ? "–" : formatShare(rounded(one.meanConfidence)),
      overconfident: one.overconfidence === null ? "–" : pointsText(one.overconfidence),
      Brier: one.brier === null ? "–" : one.brier.toFixed(4),
      base: one.baseBrier === null ? "–" : one.baseBrier.toFixed(4),
      accepted: shareText(one.accepted),
    });
  }
  return table.render();
}

function fromTable({ from }: AgentJudged): string {
  const table = new Table({ shouldDisableColors: true });
  for (const { from: least, precision, recall } of from) {
    table.addRow({
      from: formatShare(least),
      proposals: precision?.n ?? 0,
      "right (95 %)": shareText(precision),
      "found (95 %)": shareText(recall),
    });
  }
  return table.render();
}
