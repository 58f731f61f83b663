/** Makes the rows of a history's `decisions` table from records, commands and answers. */

import type { DecisionRow, DecisionWhat } from "../history/tables.ts";
import type { DecisionRecord, Policy } from "../../engine/index.ts";
import type { Folded } from "../replay/fold.ts";

/** @returns sorted by time */
export function decisionRows(
  policy: Policy,
  { records, commands, answers }: Folded,
): readonly DecisionRow[] {
  const rows: DecisionRow[] = [];
  const machine = `policy ${policy.policy}`;
  const answered = new Map<string, Folded["answers"][number]>();
  for (const answer of answers) {
    if ("deploymentId" in answer)
      answered.set(`${answer.deploymentId} ${answer.knownAtMs}`, answer);
  }
  for (const record of records) {
    const add = (
      what: DecisionWhat,
      by: string,
      justification: string | null = null,
      coin?: DecisionRecord["coin"],
    ): void => {
      rows.push({
        deploymentId: record.deploymentId,
        atMs: record.knownAtMs,
        what,
        by,
        justification,
        confidence: record.confidence,
        ...(coin === undefined ? {} : { propensity: coin.propensity }),
      });
    };
    if (record.decision === "proposed") add("proposed", machine, record.reason);
    if (record.decision === "waited") add("waited", machine, record.reason, record.coin);
    if (record.decision === "withdrawn") add("withdrawn", machine, record.reason);
    if (record.decision === "escalated") add("escalated", machine, record.reason);
    if (record.end === "expired") add("expired", machine);
    const human = answered.get(`${record.deploymentId} ${record.knownAtMs}`);
    if (record.end === "overridden" && human?.kind === "overrideGiven") {
      add("overrideGiven", human.by, human.justification);
    }
    if (record.decision === "rollbackOrdered") {
      if (human?.kind === "approvalGiven") add("approvalGiven", human.by);
      // What follows a wait was not tossed for: the row of the wait says how likely that was.
      const coin = record.coin?.outcome === "act" ? record.coin : undefined;
      add("rollbackStarted", record.authority, null, coin);
    }
    if (record.end === "rolledBack") add("rollbackFinished", "platform");
    if (record.end === "rollbackFailed") add("rollbackFailed", "platform", record.reason);
  }
  for (const command of commands) {
    if (command.kind !== "page") continue;
    const { deploymentId, askedAtMs, to, reason } = command;
    rows.push({
      deploymentId,
      atMs: askedAtMs,
      what: "paged",
      by: to,
      justification: reason,
      confidence: null,
    });
  }
  return rows.sort((a, b) => a.atMs - b.atMs);
}
