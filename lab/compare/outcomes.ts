/** The first half of the lab's main path: history → detect → decide → outcome. */

import type { Policy } from "../../engine/index.ts";
import type { Listed } from "../history/listed.ts";
import type { Past } from "../history/open.ts";
import type { AlikeOutcomes } from "../outcome/alike.ts";
import { futuresOf } from "../outcome/futures.ts";
import { outcomesOf, type Outcome } from "../outcome/outcome.ts";
import { passingOf } from "../outcome/passing.ts";
import { recoveryOf, type Recovery } from "../outcome/recovery.ts";
import { choosePeople, type People, type PeopleChoice } from "../people/choose.ts";
import type { Progress } from "../progress.ts";
import type { GivenTags } from "../replay/given.ts";
import type { Passing } from "../replay/excursions.ts";
import type { Judgements } from "../replay/judgements.ts";
import { replay, type Replay } from "../replay/replay.ts";
import type { SamplesCollector } from "../replay/samplesSeen.ts";
import type { EffectRule } from "../replay/splice.ts";
import { isWithin, type Within } from "./within.ts";

export interface ReplayOptions {
  readonly people: PeopleChoice;
  readonly seed: number;
  /** Draws of people's luck and of what history hid; one where nobody says. */
  readonly draws?: number;
  /** How an effect goes on that history cut short; held where nobody says. */
  readonly effect?: EffectRule;
  readonly progress: Progress;
  readonly told?: Told;
  /** Where the past is a simulated world's: what rollbacks do in it, and whose luck it is. */
  readonly lived?: { readonly recovery: Recovery; readonly peopleSeed: number };
  /**
   * Only deployments that start in here are scored; everything before them happens all the
   * same, so budgets, cooldowns and baselines are what they were.
   */
  readonly within?: Within;
  /** Who judges; absent: `direct`, from samples. */
  readonly judgements?: Judgements | undefined;
  /** What is said of quiet watches may be no more than that they were; see `JudgementsAsked`. */
  readonly glances?: boolean;
  /** Places of the only deployments that are continued where history cut them short. */
  readonly only?: ReadonlySet<number>;
  /** How recovery goes; absent: as in this history. */
  readonly recovery?: Recovery;
  /** How effects of good deployments pass; absent: as in this history. */
  readonly passing?: Passing;
}

/** Policies that are told something else than history's tags; see replay/given.ts. */
export interface Told {
  /** By policy. */
  readonly given: readonly (GivenTags | null)[];
  /** So many policies, the first ones, are scored; of the others there are outcomes. */
  readonly scored: number;
  /** Which of the scored ones the question is about: notes say what its numbers rest on. */
  readonly asked: number;
}

export interface ReplayedOutcomes {
  readonly people: People;
  readonly recovery: Recovery;
  readonly effect: EffectRule;
  readonly passing: Passing;
  readonly replayed: Replay;
  /** The first draw's outcomes of a policy, of all deployments, whatever is scored. */
  readonly first: (policy: number) => Listed<Outcome>;
  /**
   * The outcomes of a policy among those that are scored, once for each draw, were recovery as
   * the model says.
   *
   * @param places of the deployments whose outcomes are wanted; all where it is absent
   */
  readonly drawsIf: (
    model: Recovery,
    places?: readonly number[],
  ) => (policy: number) => readonly Listed<Outcome>[];
}

/** Replays every policy, for each draw. */
export async function replayOutcomes(
  history: Past,
  policies: readonly Policy[],
  options: ReplayOptions & { readonly samples?: SamplesCollector | undefined },
): Promise<ReplayedOutcomes> {
  const { tables } = history;
  const { lived, seed, within } = options;
  const people = choosePeople(history, options.people, lived?.peopleSeed ?? seed);
  const recovery = lived?.recovery ?? options.recovery ?? recoveryOf(tables, seed);
  const effect = options.effect ?? "hold";
  const passing = options.passing ?? (await passingOf(history, policies));
  const futures = {
    ...futuresOf(tables, passing, effect, options.draws ?? 1, seed),
    ...(options.only === undefined ? {} : { only: options.only }),
  };
  const who = people.responder(0);
  const replayed = await replay(history, policies, who, recovery, options.progress, {
    draws: {
      futures,
      peopleIn: people.model === null ? null : people.responder,
      platformIn: (recovery.failures?.rate ?? 0) > 0 ? recovery.platformIn : null,
    },
    samples: options.samples,
    given: options.told?.given,
    glances: options.glances,
    judgements: options.judgements,
  });
  const outcomesIf = (
    model: Recovery,
    places?: readonly number[],
  ): ((policy: number, draw: number) => Listed<Outcome>) => {
    const alike: AlikeOutcomes = new Map();
    return (policy, draw) => {
      const who = people.responder(draw);
      const shown = { plan: replayed.plan, imagined: replayed.imagined[policy]! };
      const decided = replayed.draws[draw]![policy]!;
      return outcomesOf(history, shown, decided, who, model, alike, places);
    };
  };
  return {
    people,
    recovery,
    effect,
    passing,
    replayed,
    first: (policy) => outcomesIf(recovery)(policy, 0),
    drawsIf: (model, places) => {
      const outcomeOf = outcomesIf(model, places);
      return (policy) =>
        replayed.draws.map((_, draw) => outcomesIn(outcomeOf(policy, draw), within));
    },
  };
}

function outcomesIn(outcomes: Listed<Outcome>, within: Within | undefined): Listed<Outcome> {
  if (within === undefined) return outcomes;
  return outcomes.filter(({ startedAtMs }) => isWithin(within, startedAtMs));
}
