/**
 * The decisions about one deployment as a tree that somebody who never saw the code can
 * read: how it ended and who answers for it, what was declared, each decision with the
 * rules, signals and people behind it, and what would have happened without the tags.
 *
 * Law: it says what the records say. Nothing is judged again; the policy is read only to
 * put a rule's name into words.
 */

import { unreachable } from "../assert.ts";
import type {
  ContextTag,
  DecisionEvent,
  Deployment,
  SignalJudged,
  StageReached,
} from "../event.ts";
import type { Handled } from "../audit.ts";
import type { Policy } from "../policy/policy.ts";
import { canonicalJson } from "../policy/canonical.ts";
import { formatDuration, formatShare, instantText } from "../policy/quantity.ts";
import { isRefused, isSelfIssued, ownFirst, passedTo, tagText } from "../policy/tags.ts";
import type { DecisionRecord } from "../record.ts";
import { wordText } from "../decide/agent.ts";
import { explainSignal } from "./signal.ts";
import { tagMeaning } from "./tagWords.ts";
import { DECISION_WORDS, END_WORDS, ruleText, TIER_WORDS } from "./words.ts";

export interface ExplanationNode {
  readonly about:
    | "deployment"
    | "end"
    | "accountable"
    | "declared"
    | "people"
    | "agent"
    | "platform"
    | "decision"
    | "authority"
    | "tier"
    | "signal"
    | "measured"
    | "tolerance"
    | "confidence"
    | "learned"
    | "untagged";
  /** A sentence or two, with units, times in UTC. */
  readonly says: string;
  /** When, where there is one instant. */
  readonly atMs: number | null;
  readonly children: readonly ExplanationNode[];
}

/**
 * Explains one deployment.
 *
 * @param first the policy in force when the log begins
 * @param handled what one fleet handled, in order
 * @returns null where the deployment never started there
 */
export function explain(
  first: Policy,
  handled: Iterable<Handled>,
  deploymentId: string,
): ExplanationNode | null {
  const story = storyOf(first, handled, deploymentId);
  const { policy, deployment, records } = story;
  if (deployment === null) return null;
  const last = records.at(-1);
  const says =
    `deployment ${deploymentId} of ${deployment.service} (${deployment.kind}, ` +
    `${deployment.environment}) at ${instantText(deployment.startedAtMs)}, ` +
    `under policy ${policy.policy}`;
  return node("deployment", says, deployment.startedAtMs, [
    endOf(records),
    node("accountable", `who answers for it: ${last?.accountable ?? policy.owner}`),
    declaredTags(story),
    ...decisions(policy, story, deployment),
    withoutTags(story),
  ]);
}

function node(
  about: ExplanationNode["about"],
  says: string,
  atMs: number | null = null,
  children: readonly ExplanationNode[] = [],
): ExplanationNode {
  return { about, says, atMs, children };
}

/** What concerns one deployment, in the order it was handled. */
interface Story {
  /** The one it started under, which it keeps. */
  readonly policy: Policy;
  readonly deployment: Deployment | null;
  readonly tags: readonly ContextTag[];
  /** Of its rollout; empty under a policy that has none. */
  readonly stages: readonly StageReached[];
  readonly steps: readonly Handled[];
  readonly records: readonly DecisionRecord[];
}

function storyOf(first: Policy, handled: Iterable<Handled>, deploymentId: string): Story {
  let current = first;
  let policy = first;
  const steps: Handled[] = [];
  const tags: ContextTag[] = [];
  const reached: StageReached[] = [];
  const others: { deployment: Deployment; knownAtMs: number }[] = [];
  let deployment: Deployment | null = null;
  for (const { event, records } of handled) {
    const own = records.filter((record) => record.deploymentId === deploymentId);
    const isStart =
      event.kind === "deploymentStarted" && event.deployment.deploymentId === deploymentId;
    if (event.kind === "policyChanged") current = event.policy;
    if (event.kind === "deploymentStarted") {
      others.push({ deployment: event.deployment, knownAtMs: event.knownAtMs });
    }
    if (isStart && deployment === null) {
      deployment = event.deployment;
      policy = current;
    }
    if (event.kind === "deploymentTagged") tags.push(event.tag);
    if (event.kind === "stageReached" && event.deploymentId === deploymentId) reached.push(event);
    const isOwn = "deploymentId" in event && event.deploymentId === deploymentId;
    if (own.length > 0 || isOwn) steps.push({ event, records: own });
  }
  const mine = ({ service, deploymentId: id }: ContextTag): boolean =>
    service === deployment?.service && (id === null || id === deploymentId);
  const records = steps.flatMap((step) => step.records);
  const stages = policy.stages === undefined ? [] : reached;
  const sources = others.map((one) => ({ ...one, tags }));
  const passed = deployment === null ? [] : passedTo(policy, deployment.service, sources);
  const known = ownFirst([...tags.filter(mine), ...passed]);
  return { policy, deployment, tags: known, stages, steps, records };
}

function endOf(records: readonly DecisionRecord[]): ExplanationNode {
  const ended = records.find(({ end }) => end !== null);
  if (ended === undefined) return node("end", "it has not ended yet");
  const says = `how it ended: ${END_WORDS[ended.end!]}, at ${instantText(ended.knownAtMs)}`;
  return node("end", says, ended.knownAtMs);
}

function declaredTags({ policy, deployment, tags }: Story): ExplanationNode {
  if (tags.length === 0) return node("declared", "nothing was declared about it");
  const children = tags.map((tag) => {
    const until = tag.validUntilMs === null ? "" : `, until ${instantText(tag.validUntilMs)}`;
    const by = tag.givenBy === null ? "" : `, by ${tag.givenBy}`;
    const own = tag.givenBy === null ? "; it has no owner" : "; only its deployer vouches for it";
    const doubt = isSelfIssued(tag, deployment) ? own : "";
    const moves = isRefused(policy, deployment!, tag) ? ", so it moves no tolerance" : "";
    const says =
      `${tagText(tag)}, known from ${instantText(tag.knownAtMs)}` + until + by + doubt + moves;
    const meaning = node("declared", tagMeaning(policy, tag));
    return node("declared", says, tag.knownAtMs, [meaning]);
  });
  return node("declared", "what people had declared", null, children);
}

/** Every decision, and what people and the platform did, in order. */
function decisions(policy: Policy, story: Story, deployment: Deployment): ExplanationNode[] {
  const nodes: ExplanationNode[] = [];
  const judged = new Map<string, SignalJudged>();
  const shown = new Map<string, string>();
  for (const { event, records } of story.steps) {
    if (event.kind === "signalJudged") judged.set(event.evidence.signal, event);
    const made = records.map((record) => {
      const signals = record.signals.flatMap((evidence) => {
        const text = canonicalJson(evidence);
        if (shown.get(evidence.signal) === text) return [];
        shown.set(evidence.signal, text);
        const { atMs, knownAtMs } = judged.get(evidence.signal) ?? record;
        const { tags, stages } = story;
        const moment = { policy, deployment, tags, stages, atMs, knownAtMs };
        return [explainSignal(moment, evidence)];
      });
      return decisionNode(policy, record, signals);
    });
    const done = doneText(event);
    if (event.kind === "stageReached") {
      const [share, at] = [formatShare(event.share), instantText(event.knownAtMs)];
      const says = `${at}: the rollout reached ${share} of the traffic`;
      if (story.stages.length > 0) nodes.push(node("platform", says, event.knownAtMs, made));
      else nodes.push(...made);
    } else if (done === null) nodes.push(...made);
    else {
      const about = ABOUT.get(event.kind) ?? "people";
      const says = `${instantText(event.knownAtMs)}: ${done}`;
      const children = made.length > 0 ? made : [node("decision", "it changed nothing")];
      nodes.push(node(about, says, event.knownAtMs, children));
    }
  }
  return nodes;
}

function decisionNode(
  policy: Policy,
  record: DecisionRecord,
  signals: readonly ExplanationNode[],
): ExplanationNode {
  const { decision, reason, knownAtMs, tierPath, authority } = record;
  const children: ExplanationNode[] = [];
  const steps = tierPath.map(({ rule, tier }, index) =>
    node("tier", `${index + 1}. ${ruleText(policy, rule)} → ${tier}`),
  );
  const { tier } = record;
  if (tier !== null && steps.length > 0) {
    const says = `how much the machine may do: ${TIER_WORDS[tier]}`;
    children.push(node("tier", says, null, steps));
  }
  const sure = confidenceNode(record);
  if (sure !== null) children.push(sure);
  if (record.learned !== undefined) children.push(learnedNode(record.learned));
  children.push(...signals, node("authority", `who could decide this: ${authority}`));
  const says = `${instantText(knownAtMs)}: ${DECISION_WORDS[decision]}: ${reason}`;
  return node("decision", says, knownAtMs, decision === "watchStarted" ? [] : children);
}

function confidenceNode({ confidence, basis }: DecisionRecord): ExplanationNode | null {
  if (confidence === null || basis === null) return null;
  const { changeFailureRate, logE, caps, uncapped } = basis;
  const times = Math.exp(logE).toPrecision(3);
  const children = [
    node("confidence", `${formatShare(changeFailureRate)} of changes go wrong before we look`),
    node("confidence", `the signals weigh ${Number(times)} to 1 for harm (1 to 1 says nothing)`),
    ...Object.entries(basis.weights).map(([signal, weight]) =>
      node("confidence", `${signal} has ${formatShare(weight)} of the say`),
    ),
    ...caps.map(({ rule, atMost }) =>
      node(
        "confidence",
        `held at ${formatShare(atMost)} by ${rule}, from ${formatShare(uncapped)}`,
      ),
    ),
  ];
  return node(
    "confidence",
    `evidence of harm: ${formatShare(confidence)}, which no label has calibrated`,
    null,
    children,
  );
}

function learnedNode({ says, tierWithout }: NonNullable<DecisionRecord["learned"]>) {
  const without =
    tierWithout === null ? [] : [node("learned", `without it, ${TIER_WORDS[tierWithout]}`)];
  return node("learned", `what people's answers taught: ${says}`, null, without);
}

const ABOUT: ReadonlyMap<DecisionEvent["kind"], ExplanationNode["about"]> = new Map([
  ["rollbackFinished", "platform"],
  ["agentProposed", "agent"],
]);

/** What people, agents or the platform did; null for what the machine or time did. */
function doneText(event: DecisionEvent): string | null {
  switch (event.kind) {
    case "overrideGiven":
      return `${event.by} objected: ${event.justification || "(no reason given)"}`;
    case "approvalGiven":
      return `${event.by} approved`;
    case "agentProposed":
      return wordText(event);
    case "rollbackFinished": {
      const detail = event.detail === "" ? "" : `: ${event.detail}`;
      return `the platform ${event.succeeded ? "rolled back" : "failed to roll back"}${detail}`;
    }
    case "deploymentQuarantined":
      return `the host quarantined it: ${event.reason}`;
    case "haltOrdered":
      return `${event.by} halted all machines: ${event.reason}`;
    case "deploymentStarted":
    case "deploymentTagged":
    case "stageReached":
    case "signalJudged":
    case "haltLifted":
    case "policyChanged":
    case "requestRefused":
    case "faultReported":
    case "clockAdvanced":
      return null;
    default:
      return unreachable(event);
  }
}

function withoutTags({ tags, records }: Story): ExplanationNode {
  const acted = records.find(({ decision }) => ["proposed", "paged", "held"].includes(decision));
  const shadowMs = records.at(-1)?.untaggedProposedAtMs ?? null;
  const begin = "without the tags:";
  if (tags.length === 0) return node("untagged", "there were no tags that could have changed it");
  if (shadowMs === null) {
    const same = acted === undefined ? "nothing would have been proposed either" : null;
    return node("untagged", `${begin} ${same ?? "nothing would have been proposed"}`);
  }
  const would = `${begin} the machine would have spoken up at ${instantText(shadowMs)}`;
  if (acted === undefined) return node("untagged", `${would}; with them it did not`, shadowMs);
  const laterMs = acted.knownAtMs - shadowMs;
  if (laterMs === 0) return node("untagged", `${would}, as it did with them`, shadowMs);
  const apart = formatDuration(Math.abs(laterMs));
  const says = `${would}, ${apart} ${laterMs > 0 ? "sooner" : "later"} than with them`;
  return node("untagged", says, shadowMs);
}
