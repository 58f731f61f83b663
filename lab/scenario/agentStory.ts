/** What came of each proposal of an agent under each policy: the story of the agent. */

import {
  formatDuration,
  formatShare,
  type AgentProposed,
  type DecisionRecord,
  type Policy,
  type TierName,
} from "../../engine/index.ts";
import { clockText } from "./clock.ts";
import type { Inline } from "./events.ts";
import type { InlineRun } from "./inline.ts";

/**
 * `waits`: the policy wants evidence of our own, and there is none yet. `unheard`: it listens to no
 * agent. `refused`: not to this proposal.
 */
export type Became = "acts" | "window" | "asks" | "paged" | "waits" | "refused" | "unheard";

/** What came of one proposal under one policy. */
export interface ProposalFate {
  readonly proposal: AgentProposed;
  readonly became: Became;
  /** One line. */
  readonly says: string;
}

export function proposalsIn({ events }: Inline): readonly AgentProposed[] {
  return events
    .filter((event) => event.kind === "agentProposed")
    .sort((a, b) => a.knownAtMs - b.knownAtMs);
}

export function fatesOf(inline: Inline, run: InlineRun): readonly ProposalFate[] {
  return proposalsIn(inline).map((proposal) => fateOf(inline, run, proposal));
}

function fateOf({ startsAtMs }: Inline, { host }: InlineRun, proposal: AgentProposed) {
  const { deploymentId, knownAtMs, proposalId, agent } = proposal;
  const policy = policyOf(host, deploymentId);
  const step = host.steps.find(({ event }) => event === proposal)!;
  const all = host.records.filter((record) => record.deploymentId === deploymentId);
  const isOwn = (record: DecisionRecord): boolean =>
    record.deploymentId === deploymentId && record.knownAtMs === knownAtMs;
  const at = (record: DecisionRecord): string =>
    `${clockText(record.knownAtMs, startsAtMs)} ${record.reason}`;
  const made = (became: Became, says: string): ProposalFate => ({ proposal, became, says });
  const answer = step.records.find(isOwn);
  if (answer === undefined && policy.agents === undefined) {
    return made("unheard", "not heard: the policy names no agent");
  }
  if (answer === undefined) {
    const rule = policy.agents!.find(({ name }) => name === agent)!;
    if (!rule.needsEvidence) return made("paged", "people were told before; nothing else is done");
    const counts = all.find(
      ({ agent: word }) => word?.proposalId === proposalId && word.agent === agent && word.alone,
    );
    const says = "no signal of ours speaks against it: not acted on";
    return made("waits", counts === undefined ? says : `${says}; ${at(counts)}`);
  }
  if (answer.decision === "refused") {
    const why = answer.reason.replace(`proposal of ${agent}: `, "");
    return made("refused", `refused: ${why}`);
  }
  const next = all[all.indexOf(answer) + 1];
  const became = BECAME[answer.tier ?? "observe"];
  const { windowMs } = policy.tiers.override;
  const window = `a person has ${formatDuration(windowMs)} to object`;
  const says = { ...SAYS, window }[became];
  return made(became, next === undefined ? says : `${says}; ${at(next)}`);
}

/** The policy under which a deployment is watched: the one in force when it became known. */
function policyOf({ steps }: InlineRun["host"], id: string): Policy {
  return steps.find(({ records }) =>
    records.some((one) => one.decision === "watchStarted" && one.deploymentId === id),
  )!.policy;
}

const BECAME = {
  full: "acts",
  override: "window",
  approve: "asks",
  observe: "paged",
} as const satisfies Readonly<Record<TierName, Became>>;
const SAYS = {
  acts: "acts at once",
  asks: "a person must agree",
  paged: "people are told, and the machine does nothing",
} as const;

/** The story of every proposal, with a line for each policy; none where no agent speaks. */
export function agentLines(
  inline: Inline,
  runs: readonly { readonly policy: string; readonly run: InlineRun }[],
): readonly string[] {
  const width = Math.max(0, ...runs.map(({ policy }) => policy.length));
  const fates = runs.map(({ policy, run }) => ({ policy, fates: fatesOf(inline, run) }));
  return proposalsIn(inline).flatMap(({ agent, confidence, knownAtMs, deploymentId }, index) => {
    const about = deploymentId === inline.deploymentId ? "" : ` of ${deploymentId}`;
    const clock = clockText(knownAtMs, inline.startsAtMs);
    return [
      "",
      `${clock} ${agent} is ${formatShare(confidence)} sure that a rollback${about} is right:`,
      ...fates.map(({ policy, fates: all }) => `  ${policy.padEnd(width)}  ${all[index]!.says}`),
    ];
  });
}
