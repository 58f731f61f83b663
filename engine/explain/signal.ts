/** What one signal said, against what tolerance, and why that tolerance. */

import type { ContextTag, Deployment, SignalEvidence, StageReached } from "../event.ts";
import { modesAt } from "../policy/modes.ts";
import type { Policy, SignalPolicy } from "../policy/policy.ts";
import { shiftOf, type Asked } from "../policy/declared.ts";
import { formatNumber, formatShare } from "../policy/quantity.ts";
import { resolveTolerance } from "../policy/resolve.ts";
import { shareAt, stageAt } from "../policy/stages.ts";
import { ruleOf, tagsAt, tagText } from "../policy/tags.ts";
import type { ExplanationNode } from "./explain.ts";
import { measuredText, statisticText, VERDICT_WORDS } from "./measured.ts";
import { amountText } from "./words.ts";

/** What was known of a deployment when a signal was judged. */
export interface Moment {
  readonly policy: Policy;
  readonly deployment: Deployment;
  readonly tags: readonly ContextTag[];
  readonly stages: readonly StageReached[];
  readonly atMs: number;
  readonly knownAtMs: number;
}

export function explainSignal(moment: Moment, evidence: SignalEvidence): ExplanationNode {
  const signal = moment.policy.signals.find(({ name }) => name === evidence.signal);
  const children: ExplanationNode[] = [];
  const add = (about: ExplanationNode["about"], says: string): void => {
    children.push({ about, says, atMs: null, children: [] });
  };
  // An incumbent measures nothing against a tolerance: its reason says all.
  if (signal !== undefined && moment.policy.incumbent === undefined) {
    const measured = measuredText(signal, evidence);
    if (measured !== null) add("measured", measured);
    // Nothing was held against what is tolerated where nothing was measured.
    if (evidence.series !== null) children.push(explainTolerance(moment, signal, evidence));
  }
  const { statistic, limit, placebo } = evidence;
  if (statistic !== null && limit !== null) {
    add("measured", statisticText(signal?.detector.kind ?? null, statistic, limit));
  }
  if (placebo?.p !== null && placebo?.p !== undefined) {
    add(
      "measured",
      `${formatShare(placebo.p)} of ${placebo.windows} quiet watches of the past go as far`,
    );
  }
  if (evidence.untagged !== evidence.verdict || evidence.tags.length > 0) {
    const shadow = evidence.untaggedReason.replace(/^without tags: /, "");
    add(
      "untagged",
      `without tags: ${VERDICT_WORDS[evidence.untagged]}${shadow === "" ? "" : `: ${shadow}`}`,
    );
  }
  const says = `${evidence.signal}: ${VERDICT_WORDS[evidence.verdict]}: ${evidence.reason}`;
  return { about: "signal", says, atMs: moment.atMs, children };
}

/** What `seriesKey` made a name of. */
function seriesOf(key: string | null): Asked {
  const [, service, metric] = /^([^/]*)\/(.*?)(?:@[^@]*)?$/.exec(key ?? "") ?? [];
  return service === undefined ? null : { service, metric: metric! };
}

/** The base first, then what modes, tags and the ceiling did to it, as `resolveTolerance` does. */
function explainTolerance(
  moment: Moment,
  signal: SignalPolicy,
  { tolerance, baseTolerance, tags, series }: SignalEvidence,
): ExplanationNode {
  const { policy, deployment, atMs, knownAtMs } = moment;
  const tolerated = `tolerated: ${amountText(signal, tolerance)}`;
  const isBase = Math.abs(tolerance - baseTolerance) < 1e-9;
  if (isBase && tags.length === 0) {
    const says = `${tolerated}, as the policy says`;
    return { about: "tolerance", says, atMs: null, children: [] };
  }
  const children: ExplanationNode[] = [];
  const add = (says: string): void => {
    children.push({ about: "tolerance", says, atMs: null, children: [] });
  };
  add(`the policy tolerates ${amountText(signal, baseTolerance)} of ${signal.name}`);
  const counting = tagsAt(policy, deployment, moment.tags, atMs, knownAtMs);
  const share = shareAt(moment.stages, atMs, knownAtMs);
  const asked = seriesOf(series);
  const resolved = resolveTolerance(policy, signal, deployment, counting, atMs, share, asked);
  const isThisMoment = Math.abs(resolved.amount - tolerance) < 1e-9;
  if (isThisMoment) {
    const stage = stageAt(policy, share);
    const own = stage?.signals.find(({ name }) => name === signal.name)?.tolerance;
    if (stage !== null && own != null) {
      add(
        `stage ${stage.name}, at ${formatShare(share)} of the traffic: ` +
          `${amountText(signal, own.amount)} there`,
      );
    }
    for (const mode of modesAt(policy, deployment, counting, atMs)) {
      const concerns = mode.signals === null || mode.signals.includes(signal.name);
      if (!concerns || mode.toleranceTimes === 1) continue;
      add(`mode ${mode.name} was in force: times ${formatNumber(mode.toleranceTimes)}`);
    }
    for (const tag of counting) {
      const rule = ruleOf(policy, tag);
      if (rule === null || !resolved.tags.includes(tagText(tag))) continue;
      const said = shiftOf(rule, tag, signal, deployment, asked);
      if (said === null) continue;
      const { declared, believed } = said;
      const counts = believed < declared ? `, of which ${amountText(signal, believed)} count` : "";
      const way = signal.worse === "down" ? "less" : "more";
      add(`tag ${tagText(tag)}: ${amountText(signal, declared)} ${way} is expected${counts}`);
    }
    const ceiling = policy.guardrails.toleranceAtMost;
    if (ceiling !== null && tolerance === ceiling && !isBase) {
      add(`guardrails.toleranceAtMost: never above ${formatShare(ceiling)}`);
    }
  } else if (!isBase) {
    const by = tags.length === 0 ? "a mode" : tags.join(", ");
    add(`moved by ${by}, as it stood at the sample that went furthest`);
  }
  return { about: "tolerance", says: tolerated, atMs: null, children };
}
