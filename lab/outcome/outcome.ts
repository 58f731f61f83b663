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
  accuses,
  instantText,
  judgementsOf,
  type DecisionRecord,
  type End,
  type EngineCommand,
  type SignalJudged,
  type TierName,
  type Verdict,
} from "../../engine/index.ts";
import { incidentsByDeployment } from "../history/incidents.ts";
import type { Listed } from "../history/listed.ts";
import type { Past } from "../history/open.ts";
import type { IncidentRow, Label } from "../history/tables.ts";
import type { Responder } from "../people/recorded.ts";
import type { PlannedDeployment } from "../replay/plan.ts";
import type { Decided } from "../replay/decide.ts";
import type { PolicyReplay, Replay } from "../replay/replay.ts";
import { sharedBy, type AlikeOutcomes } from "./alike.ts";
import { anyAnswer, recoveryTimes, sparedBy } from "./ending.ts";
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
  /** The first breach that is of this incident: not before its onset; see `EARLY_MS`. */
  readonly detectedAtMs: number | null;
  /** There was a breach before the onset: no detection of the incident that came later. */
  readonly earlyAlarm: boolean;
  readonly proposedAtMs: number | null;
  readonly decidedAtMs: number | null;
  readonly decidedBy: string | null;
  readonly executedAtMs: number | null;
  readonly recoveredAtMs: number | null;
  /** From onset; of one that was cut short, as long as those last that nobody rolls back. Of
   * one without a recorded onset a price, and no time: see ending.ts. */
  readonly recoveryMs: number | null;
  readonly recoveryBestMs: number | null;
  readonly recoveryWorstMs: number | null;
  /**
   * How much longer it would have been degraded had this policy not rolled it back; null
   * where it did not. Of a regression, up to its end; of others, as long as some signal
   * still breached in the watch.
   */
  readonly sparedMs: number | null;
  readonly evidence: "observed" | "modelled" | "bounded" | "unknown";
  /** When history's own rollback cut the watch short; null where nothing was cut short. */
  readonly censoredAtMs: number | null;
  readonly tier: TierName | null;
  readonly mode: string | null;
  /** At the first question; null under a fusion that has no confidence. */
  readonly confidence: number | null;
  /** When nothing more was watched, acted on or not. */
  readonly confidenceAtEnd: number | null;
  readonly signals: readonly string[];
  readonly reason: string;
  readonly proposals: number;
  readonly approved: boolean;
  readonly expired: boolean;
  readonly escalations: number;
  readonly pagesAtMs: readonly number[];
  /** Executed without a named owner; the engine refuses that, and we count it anyway. */
  readonly ownerless: boolean;
  readonly untaggedProposedAtMs: number | null;
}

/** Onsets are written down to two samples at best: a breach so little before one is of it. */
const EARLY_MS = 120_000;

/** A deployment that should have been left alone. */
export function isGood({ label }: Outcome): boolean {
  return label === "benign" || label === "expected_change";
}

/** Is it undecided what the policy did: cut short, or dependent on answers nobody recorded? */
export function isOpen(outcome: Outcome): boolean {
  return outcome.censoredAtMs !== null || outcome.evidence === "unknown";
}

/**
 * The outcomes of one policy, in the order of the plan's deployments; most are made as they are
 * asked for. Policies of one replay may share `alike`.
 *
 * @param places of the deployments that are asked about; all where nobody says
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
  // Where nothing spoke, a confidence is the rate it began with.
  const shared = sharedBy(alike, `${watchMs} ${evidence.changeFailureRate}`);
  const labels = new Map(history.tables.labels.map((row) => [row.deploymentId, row.label]));
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
      records,
      commands,
      judgements: judgementsOf(result.judged[index]!, planned.deployment),
      imagined: imagined.has(index),
      knows: (waitedMs) => people.knows(id, waitedMs),
      recovery,
    });
  };
  const makeOwn = (index: number): Outcome => make(index, result.of(index));
  /** Null where something is known of a deployment besides what was judged. */
  const plainLabel = (index: number): Label | null => {
    if (labels.size === 0 && incidents.size === 0) return "unknown";
    const { deploymentId: id } = plan.deployments.at(index)!.deployment;
    const label = labels.get(id) ?? "unknown";
    return incidents.has(id) || label === "regression" ? null : label;
  };
  /** Where nothing happened at all, only who it was tells one from another of its label. */
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

/** Those who are not alone, and about whom nothing was decided among the others. */
function untold(alone: Uint8Array, others: ReadonlyMap<number, Outcome>): readonly number[] {
  const left: number[] = [];
  for (let index = alone.indexOf(0); index >= 0; index = alone.indexOf(0, index + 1)) {
    if (!others.has(index)) left.push(index);
  }
  return left;
}

/** Is it known what people do for so long after being asked? */
type Knows = (waitedMs: number) => boolean;

interface Material {
  readonly watchMs: number;
  readonly label: Label;
  readonly incident: IncidentRow | null;
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
  readonly judgements: readonly SignalJudged[];
  /** Are those after history's rollback a model of what it hid? See replay/splice.ts. */
  readonly imagined: boolean;
  readonly knows: Knows;
  readonly recovery: Recovery;
}

function outcomeOf(planned: PlannedDeployment, material: Material): Outcome {
  const { label, incident, commands, judgements } = material;
  const { deployment, rolledBackAtMs: historyMs } = planned;
  const { proposed, asked, ordered, ended, last, proposals, escalations, ownerless } = tale(
    material.records,
  );
  const rolledBack = ended?.end === "rolledBack";
  const decided = ordered ?? (proposed === undefined ? undefined : ended);
  const end = ended?.end ?? "undecidable";
  const regression = label === "regression";
  const onsetAtMs = regression ? (incident?.onsetAtMs ?? null) : null;
  const executedAtMs = rolledBack ? ended.knownAtMs : null;
  const { detectedAtMs, earlyAlarm } = breachesOf(judgements, onsetAtMs);
  // Whatever history hid, a question that people left unanswered or declined stays so.
  const wasAsked = asked !== undefined && (historyMs === null || asked.knownAtMs <= historyMs);
  const settled = wasAsked && (end === "overridden" || end === "expired" || end === "held");
  // A watch that was over before history's rollback saw all it could ever see.
  const cutShort = historyMs !== null && historyMs < deployment.startedAtMs + material.watchMs;
  const censored = cutShort && !settled && (ordered === undefined || ordered.knownAtMs > historyMs);
  // An act on samples that nobody saw is a model; no act on them is no sign of health.
  const hidden = censored && !(ordered !== undefined && wasAsked);
  const acts = hidden && material.imagined && ordered !== undefined;
  const unknown =
    proposed !== undefined &&
    proposed.tier !== "full" &&
    !material.knows(waitedMs(material.records, proposed));
  const acted = { asked, ordered, executedAtMs, hidden };
  const seen = recoveryTimes(planned, material, onsetAtMs, acted);
  const recovered = unknown ? anyAnswer(seen, material, onsetAtMs, proposed, historyMs) : seen;
  const { recoveredAtMs, recoveryMs, recoveryBestMs, recoveryWorstMs } = recovered.times;
  // Written out: there is one for every policy of every deployment.
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
    sparedMs: executedAtMs === null ? null : sparedBy(planned, material, recovered, executedAtMs),
    evidence: unknown
      ? "unknown"
      : censored
        ? hidden && !acts
          ? "bounded"
          : "modelled"
        : recovered.evidence,
    censoredAtMs: hidden ? historyMs : null,
    tier: asked?.tier ?? null,
    mode: asked?.mode ?? null,
    confidence: asked?.confidence ?? null,
    confidenceAtEnd: ended?.confidence ?? null,
    signals: asked === undefined ? NONE : accusedIn(asked),
    reason: whyOf(asked, ended, hidden && material.imagined ? historyMs : null),
    proposals,
    approved: ordered !== undefined && !ordered.authority.startsWith("policy "),
    expired: end === "expired",
    escalations,
    pagesAtMs: pagesIn(commands),
    ownerless,
    untaggedProposedAtMs: last?.untaggedProposedAtMs ?? null,
  };
}

const NONE: readonly never[] = [];

/** What an outcome looks at of the records of one deployment, in the order they were made. */
interface Tale {
  proposed: DecisionRecord | undefined;
  /** The first question, or page. */
  asked: DecisionRecord | undefined;
  ordered: DecisionRecord | undefined;
  ended: DecisionRecord | undefined;
  last: DecisionRecord | undefined;
  proposals: number;
  escalations: number;
  ownerless: boolean;
}

function tale(records: readonly DecisionRecord[]): Tale {
  const told: Tale = {
    proposed: undefined,
    asked: undefined,
    ordered: undefined,
    ended: undefined,
    last: undefined,
    proposals: 0,
    escalations: 0,
    ownerless: false,
  };
  let paged: DecisionRecord | undefined;
  for (const record of records) {
    const { decision } = record;
    told.last = record;
    if (decision === "proposed") {
      told.proposed ??= record;
      told.proposals++;
    } else if (decision === "paged") paged ??= record;
    else if (decision === "escalated") told.escalations++;
    else if (decision === "ended") told.ended = record;
    else if (decision === "rollbackOrdered") {
      told.ordered ??= record;
      if (record.accountable.trim() === "") told.ownerless = true;
    }
  }
  told.asked = told.proposed ?? paged;
  return told;
}

function accusedIn({ signals }: DecisionRecord): readonly string[] {
  if (signals.length === 1 && accuses(signals[0]!)) return [signals[0]!.signal];
  return signals.filter(accuses).map(({ signal }) => signal);
}

function breachesOf(
  judgements: readonly SignalJudged[],
  onsetAtMs: number | null,
): Pick<Outcome, "detectedAtMs" | "earlyAlarm"> {
  const onTimeMs = onsetAtMs === null ? Number.NEGATIVE_INFINITY : onsetAtMs - EARLY_MS;
  let detectedAtMs: number | null = null;
  let earlyAlarm = false;
  for (const { evidence, knownAtMs } of judgements) {
    if (evidence.verdict !== "breach") continue;
    if (knownAtMs < onTimeMs) earlyAlarm = true;
    else detectedAtMs ??= knownAtMs;
  }
  return { detectedAtMs, earlyAlarm };
}

function pagesIn(commands: readonly EngineCommand[]): readonly number[] {
  let pages: readonly number[] = NONE;
  for (const command of commands) {
    if (command.kind !== "page") continue;
    // Most have one: a list that is pushed to makes room for seventeen.
    pages = pages.length === 0 ? [command.askedAtMs] : [...pages, command.askedAtMs];
  }
  return pages;
}

/** How long the policy waited for people, from its first question to the end of its last. */
function waitedMs(records: readonly DecisionRecord[], asked: DecisionRecord): number {
  const over = records.findLast(
    ({ phaseBefore, phaseAfter }) => phaseBefore === "proposed" && phaseAfter !== "proposed",
  );
  return (over ?? asked).knownAtMs - asked.knownAtMs;
}

/** What nobody saw did not end well because nothing happened in a model of it. */
function shownEnd(end: End, regression: boolean, hidden: boolean): Outcome["end"] {
  if (hidden && (end === "healthy" || end === "withdrawn")) return "undecidable";
  return regression && end === "healthy" ? "missed" : end;
}

function verdictOf(end: Outcome["end"], breached: boolean): Verdict {
  if (breached) return "breach";
  if (end === "healthy" || end === "missed") return "healthy";
  return "inconclusive";
}

/** @param hiddenAtMs when history rolled back; null where all of this was seen */
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
