/**
 * Detection by shards, through the store: stored judgements are read, missing ones are computed and
 * stored. The result equals that of `detect` on the same plan, bit for bit.
 *
 * A unit of work is one shard under some groups of policies. It is a pure function of the history,
 * the plan and the groups, so it does not matter who computes it, when, or how often.
 */

import {
  canonicalJson,
  own,
  type Policy,
  type SamplesSeen,
  type WatchJudged,
  type JsonObject,
} from "../../engine/index.ts";
import { collectSamples } from "../replay/samplesSeen.ts";
import { silent, type Progress } from "../progress.ts";
import type { Past } from "../history/open.ts";
import { detect, isCutShort } from "../replay/detect.ts";
import type { Detection, JudgedBefore } from "../replay/judgements.ts";
import type { Plan } from "../replay/plan.ts";
import type { Effect, Futures } from "../replay/splice.ts";
import type { Passing } from "../replay/excursions.ts";
import { keyOf } from "./identity.ts";
import { Lookup, writeJudged, type Judged, type Judgements, type Missing } from "./lookup.ts";
import type { Work } from "./scale.ts";
import { cutIntoShards, groupsOf, planOf, type Group, type Shard } from "./shards.ts";
import type { Store } from "./store.ts";
import { counted } from "../counted.ts";

/** `Futures` as plain data: how everything that history cut short is continued. */
interface PlainFutures {
  readonly draws: number;
  readonly seed: number;
  /** By deployment id. */
  readonly effects: JsonObject<Effect>;
  readonly passing: Passing;
}

/** One shard under some groups. */
export interface JudgeUnit extends Missing {
  /** Index of the shard. */
  readonly shard: number;
  /** Names the deployments, for messages. */
  readonly about: string;
}

/** The common part of all units of a question, and the units. */
export interface JudgeQuestion {
  readonly kind: "judge";
  readonly basis: string;
  /** See `cutIntoShards`. */
  readonly shardWindows: number;
  /** One policy for each group. */
  readonly leaders: readonly Policy[];
  /** Null: no limit. */
  readonly lookBackAtMostMs: number | null;
  readonly futures: PlainFutures | null;
  readonly digests: boolean;
  /** See `detect`. */
  readonly glances: boolean;
  readonly units: readonly JudgeUnit[];
}

export interface Sharded extends Detection {
  /** By deployment; empty unless they were asked for. */
  readonly digests: readonly SamplesSeen[];
}

export interface ShardedOptions {
  readonly basis: string;
  readonly shardWindows: number;
  readonly store: Store;
  /** Lets others compute units; null: this process computes all, one after the other. */
  readonly work: Work | null;
  readonly lookBackAtMostMs: number | null;
  readonly futures: Futures | null;
  readonly digests: boolean;
  /** See `detect`; full judgements are accepted as well. */
  readonly glances: boolean;
  readonly judged: JudgedBefore | null;
  readonly progress: Progress;
}

export async function judgeByShards(
  history: Past,
  plan: Plan,
  policies: readonly Policy[],
  options: ShardedOptions,
): Promise<Sharded> {
  const asked = ask(plan, policies, options);
  const { shards, groups, lookups, question } = asked;
  const { store, progress, judged, futures } = options;
  await askOthers(asked, options);
  const open = new Set(question.units.map(({ shard }) => shard));
  let done = 0;
  for (const [shard, lookup] of lookups.entries()) {
    const make = async (missing: Missing): Promise<void> => {
      const unit = unitOf(plan, shards, shard, missing);
      const made = await judgeUnit(history, plan, shards[shard]!, question, unit, progress);
      lookup.add(made);
      writeJudged(store, shards[shard]!, futureKey(plan, shards[shard]!, question.futures), made);
    };
    // Compute here what no other process was asked for, or what was lost.
    const missing = open.has(shard) ? lookup.missing() : null;
    if (missing !== null) await make(missing);
    const everything = { groups: [...groups.keys()], cutOnly: judged !== null };
    if (!lookup.load()) await make(everything);
    progress.update(++done, shards.length, "judging shards");
  }
  return assembled(plan, shards, groups, lookups, policies, judged, futures !== null);
}

/** Lets other processes, if there are any, compute missing judgements; reads no results. */
export async function judgeAhead(
  plan: Plan,
  policies: readonly Policy[],
  options: ShardedOptions,
): Promise<void> {
  await askOthers(ask(plan, policies, options), options);
}

interface Asked {
  readonly shards: readonly Shard[];
  readonly groups: readonly Group[];
  readonly lookups: readonly Lookup[];
  readonly question: JudgeQuestion;
}

function ask(plan: Plan, policies: readonly Policy[], options: ShardedOptions): Asked {
  const { basis, shardWindows, store, digests, glances, judged, lookBackAtMostMs } = options;
  const groups = groupsOf(policies);
  const leaders = groups.map(({ leader }) => leader);
  const shards = cutIntoShards(basis, plan, leaders, shardWindows);
  const futures = options.futures === null ? null : plainFutures(plan, options.futures);
  const lookups = shards.map((shard) => {
    const wanted = { groups, future: futureKey(plan, shard, futures), digests, glances };
    return new Lookup(store, shard, wanted, judged !== null, plan.placebos);
  });
  const units = lookups.flatMap((lookup, shard): JudgeUnit[] => {
    const missing = lookup.missing();
    return missing === null ? [] : [unitOf(plan, shards, shard, missing)];
  });
  const question: JudgeQuestion = {
    kind: "judge",
    basis,
    shardWindows,
    leaders,
    lookBackAtMostMs,
    futures,
    digests,
    glances,
    units,
  };
  return { shards, groups, lookups, question };
}

async function askOthers({ question }: Asked, { work, progress }: ShardedOptions): Promise<void> {
  if (work !== null && question.units.length > 1) await work(question, progress);
}

/** Computes one unit; a pure function. */
async function judgeUnit(
  history: Past,
  plan: Plan,
  shard: Shard,
  { leaders, futures, digests, glances }: JudgeQuestion,
  { groups, cutOnly }: JudgeUnit,
  progress: Progress,
): Promise<Judged> {
  const part = planOf(plan, shard);
  const policies = groups.map((at) => leaders[at]!);
  const isContinued = futures !== null && futureKey(plan, shard, futures) !== null;
  const collected = digests && !cutOnly ? collectSamples() : null;
  const before = cutOnly ? policies.map(() => part.deployments.map(() => [])) : null;
  const detection = await detect(
    history,
    part,
    policies,
    { ...progress, end: () => undefined },
    {
      futures: isContinued ? futuresOf(futures) : null,
      seen: collected?.seen,
      known: before === null ? null : { judged: before },
      glances,
    },
  );
  const keys = groupsOf(policies).map(({ key }) => key);
  return {
    glanced: glances,
    groups: policies.map((_, at) => ({
      key: keys[at]!,
      seen: cutOnly ? null : detection.judged[at]!,
      imagined: isContinued
        ? Array.from(detection.imagined[at]!, (byPlace) => [...(byPlace ?? [])])
        : null,
    })),
    samples: cutOnly ? null : detection.samplesRead,
    samplesCut: cutOnly ? detection.samplesRead : null,
    digests: collected === null ? null : [...collected.byDeployment.values()],
  };
}

function unitOf(plan: Plan, shards: readonly Shard[], shard: number, missing: Missing): JudgeUnit {
  const { places } = shards[shard]!;
  const [first, last] = [places[0]!, places.at(-1)!].map((place) => plan.deployments.at(place)!);
  const [from, to] = [first!.deployment.deploymentId, last!.deployment.deploymentId];
  return { shard, ...missing, about: `${counted(places.length, "deployment")}, ${from} to ${to}` };
}

export function shardsOf({ basis, leaders, shardWindows }: JudgeQuestion, plan: Plan): Shard[] {
  return cutIntoShards(basis, plan, leaders, shardWindows);
}

/** For a worker: computes one unit and stores it. @returns false where it could not be stored */
export async function workJudge(
  history: Past,
  plan: Plan,
  shards: readonly Shard[],
  question: JudgeQuestion,
  unit: JudgeUnit,
  store: Store,
): Promise<boolean> {
  const shard = shards[unit.shard]!;
  const made = await judgeUnit(history, plan, shard, question, unit, silent);
  return writeJudged(store, shard, futureKey(plan, shard, question.futures), made);
}

function assembled(
  plan: Plan,
  shards: readonly Shard[],
  groups: readonly Group[],
  lookups: readonly Lookup[],
  policies: readonly Policy[],
  judged: JudgedBefore | null,
  isContinued: boolean,
): Sharded {
  const all = new Array<JudgedBefore[number]>(policies.length);
  const imagined = new Array<Detection["imagined"][number]>(policies.length);
  let samplesRead = 0;
  const digests: SamplesSeen[] = [];
  shards.forEach((_, at) => {
    const lookup = lookups[at]!;
    samplesRead += lookup.samples() ?? 0;
    digests.push(...(lookup.digests() ?? []));
  });
  for (const group of groups) {
    const seenBy = new Array<WatchJudged>(plan.deployments.length);
    const draws: Map<number, Judgements>[] = [];
    shards.forEach(({ places }, at) => {
      if (judged === null) {
        const seen = lookups[at]!.seen(group)!;
        places.forEach((place, within) => (seenBy[place] = seen[within]!));
      }
      if (!isContinued) return;
      (lookups[at]!.imagined(group) ?? []).forEach((byPlace, draw) => {
        for (const [within, said] of byPlace) {
          (draws[draw] ??= new Map<number, Judgements>()).set(places[within]!, said);
        }
      });
    });
    for (const member of group.members) {
      all[member] = judged === null ? seenBy : judged[member]!;
      imagined[member] = draws;
    }
  }
  return { judged: all, imagined, samplesRead, digests };
}

function plainFutures(plan: Plan, { draws, seed, effectOf, passing }: Futures): PlainFutures {
  const cut = plan.deployments.filter((_, place) => isCutShort(plan, place));
  const ids = cut.map(({ deployment }) => deployment.deploymentId);
  const effects = Object.fromEntries(ids.map((id) => [id, effectOf(id)]));
  return { draws, seed, effects, passing };
}

function futuresOf({ effects, ...rest }: PlainFutures): Futures {
  return { ...rest, effectOf: (id) => own(effects, id)! };
}

/** Identifies how a shard's cut-short deployments are continued; null where there are none. */
function futureKey(plan: Plan, { places }: Shard, futures: PlainFutures | null): string | null {
  if (futures === null) return null;
  const cut = places.filter((place) => isCutShort(plan, place));
  if (cut.length === 0) return null;
  const { draws, seed, effects, passing } = futures;
  const ids = cut.map((place) => plan.deployments.at(place)!.deployment.deploymentId);
  return keyOf(
    "future",
    draws,
    seed,
    canonicalJson([passing, ids.map((id) => [id, own(effects, id)])]),
  );
}
