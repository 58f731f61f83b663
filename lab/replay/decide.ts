/**
 * Decisions of one policy over the deployments of a plan.
 *
 * Most deployments are quiet: no signal ever breaches or has evidence that stands. Such a
 * one asks nobody and does nothing, so no other deployment can tell whether it is there,
 * except one of its own service that it supersedes or that supersedes it, and one whose breach
 * may be its doing (rivals.ts). It is therefore decided alone, and only when somebody asks; all
 * others go through one fold, because budgets, brakes and people are shared by a fleet. The
 * whole fleet in one fold is the reference, made when its log is wanted;
 * test/sweep/sharing.test.ts holds that both say the same.
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

export interface Decided {
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
}

/** One policy over a history. Nothing is decided before it is asked for. */
export interface PolicyReplay extends Decided {
  readonly policy: Policy;
  readonly judged: Judged;
  /** The whole fleet event by event, by case, for a log. */
  readonly fleets: () => readonly FleetReplay[];
  /** What was decided about one deployment, by its place in the plan. */
  readonly of: (deployment: number) => Decided;
  /**
   * The same but for names and times, where another one stands for it: it is decided alone
   * and was only glanced over, as that one was. Null where none does.
   */
  readonly standIn: (deployment: number) => Decided | null;
  /**
   * 1 where a deployment is decided alone: the same for every policy that judges alike, watches
   * as long and asks the same others. It is one array for all policies of whom the same ones are.
   */
  readonly alone: () => Uint8Array;
  /**
   * Decides the others, and tells of each as soon as nothing more can come of it: records that
   * nobody keeps until all is over cost half as much. Of one it may tell again; the last counts.
   */
  readonly others: (tell: Tell) => void;
  /** The tiers in which people were asked. */
  readonly askedIn: () => ReadonlySet<TierName>;
}

type Tell = (deployment: number, decided: Decided, planned: PlannedDeployment) => void;

/** One case in the order it was handled. */
export interface FleetReplay {
  readonly caseId: string | null;
  readonly handled: readonly Handled[];
}

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
        const hear = byDeployment((deploymentId, decided) => {
          const other = parts.others.get(deploymentId);
          // What concerns the fleet as a whole is in the log and belongs to no deployment.
          if (other === undefined) return;
          const { records } = decided;
          for (const { decision, tier } of records) {
            if (decision === "proposed" && tier !== null) asked.add(tier);
          }
          addCrossing(parts, other, records.at(-1)!.knownAtMs, crossed);
          tell(other.index, decided, quiet.plannedAt(plan, other.index));
        });
        foldEach(policy, events, people, platform, hear.step);
        hear.end();
      }
      if (crossed.size === 0) return (known = { alone: parts.alone, asked });
      // Whoever is decided with the others though it need not be ends just as it would alone:
      // the next policy begins with what this one found.
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

/** Gathers what is decided about each, and tells of it once it is over and awaits no answer. */
function byDeployment(tell: (deploymentId: string, decided: Decided) => void): {
  readonly step: Hear;
  readonly end: () => void;
} {
  const open = new Map<string, Gathered>();
  // Most often the next one is about the same deployment as the one before.
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
    step: (_event, { records, commands }, isAwaited) => {
      if (records.length === 0) return;
      for (const record of records) about(record.deploymentId).records.push(record);
      // Whatever is asked has a record that says why.
      for (const command of commands) about(command.deploymentId).commands.push(command);
      for (const { deploymentId, phaseAfter } of records) {
        if (phaseAfter !== "ended" || isAwaited(deploymentId)) continue;
        const one = open.get(deploymentId);
        // More than one record of it may say so.
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
