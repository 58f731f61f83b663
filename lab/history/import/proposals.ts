/**
 * Proposals of agents: how a row becomes ours, and which deployment it is about. A proposal that
 * cannot be judged is left out with its reason, never guessed at.
 */

import { iso } from "../duck.ts";
import type { DeploymentRow, ProposalRow } from "../tables.ts";
import { UnreadableRow, type Fields, type Found } from "./fields.ts";

/** A rationale is text from a model: more of it than this is cut. */
export const RATIONALE_AT_MOST = 1000;
const NAME_AT_MOST = 200;

const ANSWERS: ReadonlyMap<string, NonNullable<ProposalRow["answer"]>> = new Map([
  ["accepted", "accepted"],
  ["approved", "accepted"],
  ["rejected", "rejected"],
  ["overridden", "rejected"],
  ["denied", "rejected"],
]);

/** A proposal as it was written: its deployment may still have to be found. */
export interface WrittenProposal extends Omit<ProposalRow, "deploymentId" | "action"> {
  /** Empty: the row names none. */
  readonly proposalId: string;
  readonly deploymentId: string | null;
  readonly service: string | null;
  readonly environment: string;
  readonly action: string;
}

export function readProposal(fields: Fields): WrittenProposal {
  const confidence = fields.share("confidence");
  if (confidence === null) throw new UnreadableRow("confidence is empty");
  const proposedAtMs = fields.requiredTimeMs("proposed_at");
  const word = fields.text("answer");
  const answer = word === null ? null : ANSWERS.get(word.toLowerCase());
  if (answer === undefined) {
    throw new UnreadableRow(`answer is not one of ${[...ANSWERS.keys()].join(", ")}`);
  }
  const answeredAtMs = fields.timeMs("answered_at");
  if (answeredAtMs !== null && answeredAtMs < proposedAtMs) {
    throw new UnreadableRow("answered_at is before proposed_at");
  }
  return {
    proposalId: nameIn(fields, "proposal_id") ?? "",
    deploymentId: fields.text("deployment_id"),
    service: fields.text("service"),
    environment: fields.text("environment") ?? "production",
    agent: nameIn(fields, "agent") ?? fields.required("agent"),
    action: fields.required("action").toLowerCase(),
    confidence,
    rationale: cutRationale(fields.text("rationale")),
    proposedAtMs,
    answeredBy: nameIn(fields, "answered_by"),
    answer,
    answeredAtMs,
  };
}

/** A name goes into records and pages: one without an end is an attack or a mistake. */
function nameIn(fields: Fields, column: string): string | null {
  const name = fields.text(column);
  if (name === null || name.length <= NAME_AT_MOST) return name;
  throw new UnreadableRow(`${column} is longer than ${NAME_AT_MOST} characters`);
}

/** Cut between characters: half of a surrogate pair is no text. */
export function cutRationale(text: string | null): string | null {
  if (text === null || text.length <= RATIONALE_AT_MOST) return text;
  return `${text.slice(0, RATIONALE_AT_MOST - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** Proposals by what became of them. */
export interface SortedProposals {
  readonly kept: readonly ProposalRow[];
  /** By reason. */
  readonly leftOut: ReadonlyMap<string, readonly Found<WrittenProposal>[]>;
}

/**
 * Finds the deployment of each proposal: the one it names, or the newest of its service and
 * environment at the time of the proposal.
 *
 * @param unknown the reason where its deployment is unknown
 */
export function sortProposals(
  found: readonly Found<WrittenProposal>[],
  deployments: ReadonlyMap<string, DeploymentRow>,
  unknown: string,
): SortedProposals {
  const ids = new Map<string, number>();
  for (const { row } of found) {
    if (row.proposalId !== "") ids.set(row.proposalId, (ids.get(row.proposalId) ?? 0) + 1);
  }
  const newest = newestIn(deployments);
  const leftOut = new Map<string, Found<WrittenProposal>[]>();
  const kept: ProposalRow[] = [];
  for (const entry of found) {
    const { service, environment, ...row } = entry.row;
    const target =
      row.deploymentId === null
        ? newest(service, environment, row.proposedAtMs)
        : deployments.get(row.deploymentId);
    let reason: string | null = null;
    if (row.action !== "rollback") reason = "only proposals to roll back can be judged";
    else if ((ids.get(row.proposalId) ?? 0) > 1) {
      reason = "conflicting rows with the same proposal_id";
    } else if (row.deploymentId === null && service === null) {
      reason = "neither deployment_id nor service";
    } else if (target === undefined) {
      reason =
        row.deploymentId === null ? "no deployment of its service and environment before" : unknown;
    } else if (target.startedAtMs > row.proposedAtMs) reason = "proposed before its deployment";
    if (reason !== null) {
      leftOut.set(reason, [...(leftOut.get(reason) ?? []), entry]);
      continue;
    }
    const { deploymentId } = target!;
    kept.push({ ...row, action: "rollback", deploymentId });
  }
  return { kept: named(kept, new Set(ids.keys())), leftOut };
}

/** Gives an id to those without one: from their content, so that row order means nothing. */
function named(rows: readonly ProposalRow[], taken: Set<string>): readonly ProposalRow[] {
  const key = (row: ProposalRow): string => JSON.stringify([row.deploymentId, row]);
  const nameless = rows.filter(({ proposalId }) => proposalId === "");
  nameless.sort((a, b) => a.proposedAtMs - b.proposedAtMs || (key(a) < key(b) ? -1 : 1));
  const made = nameless.map((row): ProposalRow => {
    const base = `${row.agent}@${iso(row.proposedAtMs)}`;
    let proposalId = base;
    for (let count = 2; taken.has(proposalId); count++) proposalId = `${base}#${count}`;
    taken.add(proposalId);
    return { ...row, proposalId };
  });
  return [...rows.filter(({ proposalId }) => proposalId !== ""), ...made];
}

function newestIn(deployments: ReadonlyMap<string, DeploymentRow>) {
  const lists = new Map<string, DeploymentRow[]>();
  const placeOf = (service: string | null, environment: string): string =>
    JSON.stringify([service, environment]);
  for (const row of deployments.values()) {
    const place = placeOf(row.service, row.environment);
    const list = lists.get(place);
    if (list === undefined) lists.set(place, [row]);
    else list.push(row);
  }
  for (const list of lists.values()) {
    list.sort(
      (a, b) => a.startedAtMs - b.startedAtMs || (a.deploymentId < b.deploymentId ? -1 : 1),
    );
  }
  return (service: string | null, environment: string, atMs: number): DeploymentRow | undefined =>
    lists.get(placeOf(service, environment))?.findLast(({ startedAtMs }) => startedAtMs <= atMs);
}
