/** How often agents are right, as a terminal shows it. */

import { Table } from "console-table-printer";
import { formatShare } from "../../engine/index.ts";
import { tenthsTable } from "./print.ts";
import type { AgentJudged, AgentsJudged, ShareOf } from "./agents.ts";

const READING = [
  "Right: the share of the proposals whose deployment was a regression.",
  "Found: the share of all regressions that it proposed to roll back.",
  "Overconfident: how much more it says than is so. Brier: lower is better.",
  "Base: the Brier score of always saying how often it is right. Intervals are 95 %.",
];

export function agentsText({ agents }: AgentsJudged): string {
  const all = agents.filter(({ kind }) => kind === null);
  const lines = [byKind(agents), ...READING];
  for (const one of all) {
    lines.push("", `If ${one.agent} acted alone from a confidence on:`, fromTable(one));
    if (one.tenths.length > 0) {
      lines.push(`Was ${one.agent} right as often as it said?`, tenthsTable(one.tenths));
    }
    lines.push(answersText(one));
  }
  return lines.join("\n");
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

/** What a person's yes is worth: how much more often it is given to what is right. */
function answersText({ agent, accepted, acceptedIfRight, acceptedIfWrong }: AgentJudged): string {
  if (accepted === null) return `No answer to ${agent} is recorded.`;
  const says = `People accepted ${shareText(accepted)} of ${accepted.n} answered proposals`;
  if (acceptedIfRight === null || acceptedIfWrong === null) return `${says} of ${agent}.`;
  const [right, wrong] = [shareText(acceptedIfRight), shareText(acceptedIfWrong)];
  const isSame = acceptedIfWrong.high >= acceptedIfRight.low;
  const worth = isSame
    ? "These answers do not show that a yes tells right from wrong."
    : `They accept what is right ${timesText(acceptedIfRight.value, acceptedIfWrong.value)}.`;
  return `${says} of ${agent}: ${right} of the right ones, ${wrong} of the wrong ones. ${worth}`;
}

function timesText(right: number, wrong: number): string {
  return wrong === 0 ? "and never what is wrong" : `${(right / wrong).toFixed(1)} times as often`;
}

function shareText(share: ShareOf): string {
  if (share === null) return "–";
  const [value, low, high] = [share.value, share.low, share.high].map(rounded);
  return `${formatShare(value!)} [${formatShare(low!)}, ${formatShare(high!)}]`;
}

function pointsText(value: number): string {
  return `${value < 0 ? "−" : "+"}${(Math.abs(value) * 100).toFixed(1)} pp`;
}

function rounded(share: number): number {
  return Math.round(share * 1000) / 1000;
}
