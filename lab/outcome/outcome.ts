/**
 * One deployment under one policy: what was done, when it recovered, was it right,
 * and how far that is known.
 *
 * The evidence ledger, on every outcome:
 *   observed   the history itself shows it
 *   modelled   the decision is exact, but the recovery follows from a model
 *   bounded    history rolled back first, or onset or end are not recorded: between two bounds
 *   unknown    nobody can say what people would have answered
 */

import {
  instantText,
  judgementsOf,
  type DecisionRecord,
  type End,
  type EngineCommand,
  type IncumbentCause,
  type SignalJudged,
  type TierName,
  type Verdict,
} from "../../engine/index.ts";
import { incidentsByDeployment } from "../history/incidents.ts";
import type { Listed } from "../history/listed.ts";
import type { Past } from "../history/open.ts";
import type { IncidentRow, Label } from "../history/tables.ts";
import { loneWordOf, type Responder } from "../people/recorded.ts";
import type { PlannedDeployment } from "../replay/plan.ts";
import type { Decided } from "../replay/decide.ts";
import type { PolicyReplay, Replay } from "../replay/replay.ts";
import { sharedBy, type AlikeOutcomes } from "./alike.ts";
import { anyAnswer, recoveryTimes, sparedBy } from "./ending.ts";
import {
  accusedIn,
  agentIn,
  breachesOf,
  milestonesIn,
  pagesIn,
  restrainedBy,
  waitedMs,
} from "./milestones.ts";
import { AloneOutcomes, listOutcomes, renamed } from "./outcomeList.ts";
import type { Recovery } from "./recovery.ts";

export interface Outcome {
  readonly deploymentId: string;
  readonly service: string;
  readonly team: string | null;
  readonly label: Label;
  /** `missed` is a regression that ended `healthy`; every other end is the engine's. */
  readonly end: End | "missed";
  readonly rolledBack: boolean;
  readonly verdict: Verdict;
  readonly startedAtMs: number;
  readonly onsetAtMs: number | null;
  /** The first breach that can be of this incident: not before its onset (see milestones.ts). */
  readonly detectedAtMs: number | null;
  /** Was there a breach before the onset? It is no detection of the incident that came later. */
  readonly earlyAlarm: boolean;
  readonly proposedAtMs: number | null;
  readonly decidedAtMs: number | null;
  readonly decidedBy: string | null;
  readonly executedAtMs: number | null;
  readonly recoveredAtMs: number | null;
  /**
   * From onset to recovery, for regressions. Where that was cut short it is a model, and without a
   * recorded onset it serves the cost only (see ending.ts).
   */
  readonly recoveryMs: number | null;
  /** Bounds of `recoveryMs`. */
  readonly recoveryBestMs: number | null;
  readonly recoveryWorstMs: number | null;
  /**
   * How much longer the harm would have lasted without this policy's rollback; null where it did
   * not roll back. Of a regression, up to its end; of others, as long as some signal was still in
   * breach during the watch.
   */
  readonly sparedMs: number | null;
  /**
   * The mean size of the breach over that time, in multiples of its tolerance, from 1 to 10: as
   * large as when it was called one. Null of a regression, whose harm no signal measures, and where
   * nothing was spared.
   */
  readonly sparedSize: number | null;
  readonly evidence: "observed" | "modelled" | "bounded" | "unknown";
  /** When history's own rollback cut the watch short; null where nothing was cut short. */
  readonly censoredAtMs: number | null;
  readonly tier: TierName | null;
  readonly mode: string | null;
  /**
   * The confidence at the first question; null under a fusion without confidences, and where only
   * an agent asked: the agent's own is another thing.
   */
  readonly confidence: number | null;
  /** The confidence when the deployment ended, whatever was done. */
  readonly confidenceAtEnd: number | null;
  readonly signals: readonly string[];
  /**
   * The agent on whose word alone the rollback was ordered or, without an order, people were asked.
   * `unanswered`: no person answered, so its word counted no more. Null where our own evidence was
   * enough.
   */
  readonly agent: { readonly name: string; readonly unanswered: boolean } | null;
  readonly reason: string;
  /** Why an incumbent decided; null where detectors judge, or where nothing was proposed. */
  readonly cause: IncumbentCause | null;
  readonly proposals: number;
  readonly approved: boolean;
  readonly expired: boolean;
  readonly escalations: number;
  readonly pagesAtMs: readonly number[];
  /** Executed without a named owner; the engine refuses that, and we count it anyway. */
  readonly ownerless: boolean;
  readonly untaggedProposedAtMs: number | null;
  /** The rule by which no machine could act on its breach, as `guardrails.cooldown`. */
  readonly restrainedBy: string | null;
  /** It reported nothing while others did, and people were told; no judgement rests on that. */
  readonly silent: boolean;
}

/** Should it have been left alone, by its label? */
export function isGood({ label }: Outcome): boolean {
  return label === "benign" || label === "expected_change";
}

/**
 * Was a regression rolled back on an alarm that cannot be of it? The order came before any breach
 * of the incident itself (see `detectedAtMs`), so the policy was wrong when it gave the order.
 */
export function isEarlyRollback(outcome: Outcome): boolean {
  const { label, rolledBack, earlyAlarm, decidedAtMs, detectedAtMs } = outcome;
  if (label !== "regression" || !rolledBack || !earlyAlarm || decidedAtMs === null) return false;
  return detectedAtMs === null || decidedAtMs < detectedAtMs;
}

/** Is it open what the policy would have done: cut short, or dependent on unrecorded answers? */
export function isOpen(outcome: Outcome): boolean {
  return outcome.censoredAtMs !== null || outcome.evidence === "unknown";
}

/**
 * Was it silent, and so could not be judged? A silence that was over, after which it was found
 * healthy or rolled back, is none; what history cut short may have come back.
 */
export function isSilent(outcome: Outcome): boolean {
  const { silent, end } = outcome;
  return silent && (end === "undecidable" || end === "superseded") && !isOpen(outcome);
}

/**
 * The outcomes of one policy, in the order of the plan's deployments. Most are made when they are
 * asked for, because there are many and most are alike.
 *
 * @param alike outcomes that the policies of one replay share
 * @param places of the deployments whose outcomes are wanted; all where it is absent
 */
export function outcomesOf(
  history: Past,
  { plan, imagined }: Pick<Replay, "plan"> & { readonly imagined: Replay["imagined"][number] },
  result: PolicyReplay,
  people: Responder,
  recovery: Recovery,
  alike: AlikeOutcomes = new Map(),
  places?: Iterable<number>,
): Listed<Outcome> {
  const { watchMs, evidence } = result.policy;
  // The outcome of a quiet deployment depends on these two besides: without any evidence its
  // confidence is the prior.
  const shared = sharedBy(alike, `${watchMs} ${evidence.changeFailureRate}`);
  const labels = new Map(history.tables.labels.map((row) => [row.deploymentId, row.label]));
  const back = new Map(
    history.tables.labels.flatMap(({ deploymentId, takenBackAtMs }) =>
      takenBackAtMs === undefined ? [] : [[deploymentId, takenBackAtMs] as const],
    ),
  );
  const incidents = incidentsByDeployment(history.tables.incidents);
  const make = (
    index: number,
    { records, commands }: Decided,
    planned = plan.deployments.at(index)!,
  ): Outcome => {
    const { deploymentId: id } = planned.deployment;
    return outcomeOf(planned, {
      watchMs,
      label: labels.get(id) ?? "unknown",
      incident: incidents.get(id) ?? null,
      backAtMs: planned.rolledBackAtMs ?? back.get(id) ?? null,
      records,
      commands,
      judgements: judgementsOf(result.judged[index]!, planned.deployment),
      imagined: imagined.has(index),
      knows: (asked, waitedMs) => people.knows(id, waitedMs, loneWordOf(asked)),
      recovery,
    });
  };
  const makeOwn = (index: number): Outcome => make(index, result.of(index));
  /** The label where nothing else is known of a deployment that would matter to its outcome. */
  const plainLabel = (index: number): Label | null => {
    if (labels.size === 0 && incidents.size === 0) return "unknown";
    const { deploymentId: id } = plan.deployments.at(index)!.deployment;
    const label = labels.get(id) ?? "unknown";
    return incidents.has(id) || label === "regression" ? null : label;
  };
  /** The outcome of another deployment that is the same except for the deployment's name. */
  const standingOf = (index: number): Outcome | null => {
    const standIn = result.standIn(index);
    const label = standIn === null ? null : plainLabel(index);
    if (standIn === null || label === null) return null;
    return shared.plainOf(result.judged[index]!, label, () => make(index, standIn));
  };
  const ownOf = (index: number): Outcome =>
    shared.ownOf(result.judged[index]!, index, () =>
      make(index, result.standIn(index) ?? result.of(index)),
    );
  if (places !== undefined) {
    const alone = result.alone();
    return Array.from(places, (index) => {
      if (alone[index] === 0) return makeOwn(index);
      const standing = standingOf(index);
      return standing === null
        ? ownOf(index)
        : renamed(standing, plan.deployments.at(index)!.deployment);
    });
  }
  const others = new Map<number, Outcome>();
  result.others((index, decided, planned) => others.set(index, make(index, decided, planned)));
  const alone = result.alone();
  const outcomes = shared.ofPlan(alone, () => {
    const made = new AloneOutcomes(alone.length);
    for (let index = 0; index < alone.length; index++) {
      if (alone[index] === 0) continue;
      const standing = standingOf(index);
      if (standing === null) made.add(index, ownOf(index));
      else made.addStanding(index, standing);
    }
    return made;
  });
  for (const index of untold(alone, others)) others.set(index, makeOwn(index));
  return listOutcomes(plan, outcomes, others);
}

/** Places of deployments that are decided together and were not told of (no record of theirs). */
function untold(alone: Uint8Array, others: ReadonlyMap<number, Outcome>): readonly number[] {
  const left: number[] = [];
  for (let index = alone.indexOf(0); index >= 0; index = alone.indexOf(0, index + 1)) {
    if (!others.has(index)) left.push(index);
  }
  return left;
}

/** Is it known what people do for so long after this first question? */
type Knows = (asked: DecisionRecord, waitedMs: number) => boolean;

interface Material {
  readonly watchMs: number;
  readonly label: Label;
  readonly incident: IncidentRow | null;
  /** History's own rollback, or where no decision records one, the deployment that took it back. */
  readonly backAtMs: number | null;
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
  readonly judgements: readonly SignalJudged[];
  /** Are judgements after history's rollback those of a continuation? (See replay/splice.ts.) */
  readonly imagined: boolean;
  readonly knows: Knows;
  readonly recovery: Recovery;
}

function outcomeOf(planned: PlannedDeployment, material: Material): Outcome {
  const { label, incident, commands, judgements } = material;
  const { deployment, rolledBackAtMs: historyMs } = planned;
  const milestones = milestonesIn(material.records);
  const { proposed, asked, ordered, ended, last, proposals, escalations, ownerless } = milestones;
  const rolledBack = ended?.end === "rolledBack";
  const decided = ordered ?? (proposed === undefined ? undefined : ended);
  const end = ended?.end ?? "undecidable";
  const regression = label === "regression";
  const onsetAtMs = regression ? (incident?.onsetAtMs ?? null) : null;
  const executedAtMs = rolledBack ? ended.knownAtMs : null;
  const { detectedAtMs, earlyAlarm } = breachesOf(judgements, material.records, onsetAtMs);
  // A question from before history's rollback that people declined or left unanswered stays so,
  // whatever history hid afterwards.
  const wasAsked = asked !== undefined && (historyMs === null || asked.knownAtMs <= historyMs);
  const settled = wasAsked && (end === "overridden" || end === "expired" || end === "held");
  // A watch that was over before history's rollback missed nothing.
  const cutShort = historyMs !== null && historyMs < deployment.startedAtMs + material.watchMs;
  const censored = cutShort && !settled && (ordered === undefined || ordered.knownAtMs > historyMs);
  // An act on a continuation is a model; that there was none is no sign of health.
  const hidden = censored && !(ordered !== undefined && wasAsked);
  const acts = hidden && material.imagined && ordered !== undefined;
  const unknown =
    proposed !== undefined &&
    proposed.tier !== "full" &&
    !material.knows(proposed, waitedMs(material.records, proposed));
  // History never tried this rollback, so that it fails is drawn (failures.ts).
  const isLuck = end === "rollbackFailed" && !material.recovery.wasTried(deployment.deploymentId);
  const acted = { asked, ordered, executedAtMs, hidden };
  const seen = recoveryTimes(planned, material, onsetAtMs, acted);
  const recovered = unknown ? anyAnswer(seen, material, onsetAtMs, proposed) : seen;
  const { recoveredAtMs, recoveryMs, recoveryBestMs, recoveryWorstMs } = recovered.times;
  const spared = executedAtMs === null ? null : sparedBy(material, recovered, executedAtMs);
  // Written out and not spread, which is slow: there is one for every policy and deployment.
  return {
    deploymentId: deployment.deploymentId,
    service: deployment.service,
    team: deployment.team,
    label,
    end: shownEnd(end, regression, hidden),
    rolledBack,
    verdict: verdictOf(shownEnd(end, regression, hidden), rolledBack || asked !== undefined),
    startedAtMs: deployment.startedAtMs,
    onsetAtMs,
    detectedAtMs,
    earlyAlarm,
    proposedAtMs: asked?.knownAtMs ?? null,
    decidedAtMs: decided?.knownAtMs ?? null,
    decidedBy: decided?.authority ?? null,
    executedAtMs,
    recoveredAtMs,
    recoveryMs,
    recoveryBestMs,
    recoveryWorstMs,
    sparedMs: spared?.ms ?? null,
    sparedSize: spared?.size ?? null,
    evidence: evidenceOf(
      isLuck && recovered.evidence === "observed" ? "modelled" : recovered.evidence,
      { unknown, censored, bounded: hidden && !acts },
    ),
    censoredAtMs: hidden ? historyMs : null,
    tier: asked?.tier ?? null,
    mode: asked?.mode ?? null,
    confidence: asked?.agent?.alone === true ? null : (asked?.confidence ?? null),
    confidenceAtEnd: ended?.confidence ?? null,
    signals: asked === undefined ? NONE : accusedIn(asked),
    agent: agentIn(milestones),
    reason: whyOf(asked, ended, hidden && material.imagined ? historyMs : null),
    cause: asked === undefined ? null : causeIn(asked),
    proposals,
    approved: ordered !== undefined && !ordered.authority.startsWith("policy "),
    expired: end === "expired",
    escalations,
    pagesAtMs: pagesIn(commands),
    ownerless,
    untaggedProposedAtMs: last?.untaggedProposedAtMs ?? null,
    restrainedBy: restrainedBy(milestones),
    silent: last?.silence !== undefined,
  };
}

const NONE: readonly never[] = [];

function causeIn({ signals }: DecisionRecord): IncumbentCause | null {
  const decided = signals.find(({ verdict, cause }) => verdict === "breach" && cause !== undefined);
  return decided?.cause ?? null;
}

/** The evidence of an outcome: the weakest that applies (see the ledger in the header). */
function evidenceOf(
  recovered: Outcome["evidence"],
  is: { readonly unknown: boolean; readonly censored: boolean; readonly bounded: boolean },
): Outcome["evidence"] {
  if (is.unknown) return "unknown";
  if (!is.censored) return recovered;
  return is.bounded ? "bounded" : "modelled";
}

/** The end that is shown: nothing happening in a continuation is no evidence of health. */
function shownEnd(end: End, regression: boolean, hidden: boolean): Outcome["end"] {
  if (hidden && (end === "healthy" || end === "withdrawn")) return "undecidable";
  return regression && end === "healthy" ? "missed" : end;
}

function verdictOf(end: Outcome["end"], breached: boolean): Verdict {
  if (breached) return "breach";
  if (end === "healthy" || end === "missed") return "healthy";
  return "inconclusive";
}

/**
 * Why it ended as it did, in words.
 *
 * @param hiddenAtMs when history rolled back, where what follows is a continuation; else null
 */
function whyOf(
  asked: DecisionRecord | undefined,
  ended: DecisionRecord | undefined,
  hiddenAtMs: number | null,
): string {
  const why =
    asked === undefined
      ? (ended?.reason ?? "nothing was recorded")
      : ended === undefined
        ? asked.reason
        : `${asked.reason}; ${ended.reason}`;
  if (hiddenAtMs === null) return why;
  const at = instantText(hiddenAtMs);
  const model = asked === undefined ? "with its effect held nothing is proposed" : why;
  return `history rolled back at ${at}, and what follows is a model: ${model}`;
}
