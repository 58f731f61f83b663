/**
 * The decisions of one policy over the deployments of a plan.
 *
 * Most deployments are quiet: no signal ever breaches or has evidence that stands. A quiet
 * deployment asks nobody and does nothing, so it makes no difference to any other, with two
 * exceptions: one of its own service that it supersedes or that supersedes it, and one whose
 * breach it may explain (rivals.ts). All others are decided alone, and only when somebody asks.
 * The rest go through one fold, because a fleet shares budgets, brakes and people.
 *
 * The reference is the whole fleet in one fold, which is made for a decision log;
 * test/sweep/sharing.test.ts holds that both give the same decisions.
 */

import {
  isQuietWatch,
  type DecisionRecord,
  type EngineCommand,
  type Handled,
  type Policy,
  type TierName,
} from "../../engine/index.ts";
import type { Responder } from "../people/recorded.ts";
import {
  addCrossing,
  beginningOf,
  eventsOf,
  withOthers,
  type CaseEvents,
  type Judged,
  type Quiet,
} from "./beginning.ts";
import { foldEach, foldInOrder, type Hear, type Platform } from "./fold.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";
import { lastWordMs } from "./words.ts";

/** What was decided: about one deployment, or about all of them. */
export interface Decided {
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
}

/** One policy over a history. Nothing is decided before it is asked for. */
export interface PolicyReplay extends Decided {
  readonly policy: Policy;
  readonly judged: Judged;
  /** The whole fleet, event by event and case by case, for a decision log. */
  readonly fleets: () => readonly FleetReplay[];
  /** What was decided about one deployment, by its place in the plan. */
  readonly of: (deployment: number) => Decided;
  /**
   * Decisions about another deployment that are the same except for names and times. There are
   * some where a deployment is decided alone and is quiet at a glance; else null.
   */
  readonly standIn: (deployment: number) => Decided | null;
  /**
   * By place: 1 where a deployment is decided alone. Policies for which the same deployments are
   * alone share one array.
   */
  readonly alone: () => Uint8Array;
  /**
   * Decides all deployments that are not alone, and tells of each as soon as nothing more can come
   * of it, so that its records need not be kept until the end. A deployment may be told of more
   * than once: the last time counts.
   */
  readonly others: (tell: Tell) => void;
  /** The tiers in which people were asked anything. */
  readonly askedIn: () => ReadonlySet<TierName>;
}

type Tell = (deployment: number, decided: Decided, planned: PlannedDeployment) => void;

/** The events of one case in the order they were handled. */
export interface FleetReplay {
  readonly caseId: string | null;
  readonly handled: readonly Handled[];
}

/**
 * One policy over a plan.
 *
 * @param judged what it judges of each deployment
 * @param quiet what it shares with the other policies of the replay
 */
export function decisionsOf(
  plan: Plan,
  policy: Policy,
  judged: Judged,
  people: Responder,
  platform: Platform,
  quiet: Quiet,
): PolicyReplay {
  const plannedAt = (place: number): PlannedDeployment => plan.deployments.at(place)!;
  const fold = (places: Iterable<number>, fleets?: FleetReplay[]): Decided =>
    foldCases(policy, eventsOf(judged, places, plannedAt), people, platform, fleets);
  let whole: Decided | null = null;
  const all = (): Decided => (whole ??= fold(plan.deployments.keys()));
  let known: { readonly alone: Uint8Array; readonly asked: ReadonlySet<TierName> } | null = null;
  const others = (tell: Tell): NonNullable<typeof known> => {
    const beginning = beginningOf(plan, policy, judged, quiet);
    for (;;) {
      const parts = beginning.now;
      const asked = new Set<TierName>();
      const crossed = new Set<number>();
      for (const { events } of parts.together) {
        const told = (deploymentId: string, decided: Decided): void => {
          const other = parts.others.get(deploymentId);
          // A record about the whole fleet belongs to no deployment.
          if (other === undefined) return;
          const { records } = decided;
          for (const { decision, tier } of records) {
            if (decision === "proposed" && tier !== null) asked.add(tier);
          }
          addCrossing(parts, other, records.at(-1)!.knownAtMs, crossed);
          tell(other.index, decided, quiet.plannedAt(plan, other.index));
        };
        const hear = byDeployment(told, (deploymentId) => {
          const other = policy.agents === undefined ? undefined : parts.others.get(deploymentId);
          return other === undefined ? 0 : lastWordMs(quiet.plannedAt(plan, other.index));
        });
        foldEach(policy, events, people, platform, hear.step);
        hear.end();
      }
      if (crossed.size === 0) return (known = { alone: parts.alone, asked });
      // Decided together they end just as they would alone, so this does no harm to policies that
      // cross nothing: the next policy begins with what was found here.
      beginning.now = withOthers(plan, judged, parts, crossed, quiet);
    }
  };
  const settled = (): NonNullable<typeof known> => known ?? others(() => undefined);
  let kept: Map<number, Decided> | null = null;
  const of = (deployment: number): Decided => {
    if (settled().alone[deployment] === 1) return fold([deployment]);
    if (kept === null) {
      const keep = (kept = new Map<number, Decided>());
      others((index, decided) => keep.set(index, decided));
    }
    return kept.get(deployment)!;
  };
  let glanced: Decided | null = null;
  return {
    policy,
    judged,
    get records() {
      return all().records;
    },
    get commands() {
      return all().commands;
    },
    fleets: () => {
      const fleets: FleetReplay[] = [];
      whole = fold(plan.deployments.keys(), fleets);
      return fleets;
    },
    alone: () => settled().alone,
    askedIn: () => settled().asked,
    standIn: (deployment) => {
      if (!isQuietWatch(judged[deployment]!) || settled().alone[deployment] === 0) return null;
      return (glanced ??= of(deployment));
    },
    of,
    others,
  };
}

/** Each case is a fleet of its own: nothing carries over from one recording to the next. */
function foldCases(
  policy: Policy,
  cases: readonly CaseEvents[],
  people: Responder,
  platform: Platform,
  fleets?: FleetReplay[],
): Decided {
  const records: DecisionRecord[] = [];
  const commands: EngineCommand[] = [];
  for (const { caseId, events } of cases) {
    const handled: Handled[] | undefined = fleets === undefined ? undefined : [];
    const folded = foldInOrder(policy, events, people, platform, handled);
    if (handled !== undefined) fleets!.push({ caseId, handled });
    for (const record of folded.records) records.push(record);
    for (const command of folded.commands) commands.push(command);
  }
  return { records, commands };
}

interface Gathered {
  readonly deploymentId: string;
  readonly records: DecisionRecord[];
  readonly commands: EngineCommand[];
}

/**
 * Gathers what is decided about each deployment, and tells of it once it has ended and no answer
 * about it is under way and no agent is still to speak of it.
 */
function byDeployment(
  tell: (deploymentId: string, decided: Decided) => void,
  lastWordMs: (deploymentId: string) => number,
): {
  readonly step: Hear;
  readonly end: () => void;
} {
  const open = new Map<string, Gathered>();
  // Most records are about the same deployment as the one before.
  let newest: Gathered | null = null;
  const about = (deploymentId: string): Gathered => {
    if (newest?.deploymentId === deploymentId) return newest;
    newest = open.get(deploymentId) ?? null;
    if (newest === null) {
      newest = { deploymentId, records: [], commands: [] };
      open.set(deploymentId, newest);
    }
    return newest;
  };
  return {
    step: ({ knownAtMs }, { records, commands }, isAwaited) => {
      if (records.length === 0) return;
      for (const record of records) about(record.deploymentId).records.push(record);
      // Every command has a record, so a step without records has no commands either.
      for (const command of commands) about(command.deploymentId).commands.push(command);
      for (const { deploymentId, phaseAfter } of records) {
        if (phaseAfter !== "ended" || isAwaited(deploymentId)) continue;
        if (lastWordMs(deploymentId) >= knownAtMs) continue;
        const one = open.get(deploymentId);
        // More than one record of this step may say that it ended.
        if (one === undefined || !open.delete(deploymentId)) continue;
        newest = null;
        tell(deploymentId, one);
      }
    },
    end: () => {
      for (const [deploymentId, one] of open) tell(deploymentId, one);
    },
  };
}
