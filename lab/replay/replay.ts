/**
 * Replays a history under one or more policies: plan what is read, detect once for all of them,
 * then decide for each.
 *
 * Open loop: the samples are those of the history, whatever a policy would have done. Biases: a
 * rollback changes no later deployment, and people answer as the `people` argument says.
 */

import type { Policy } from "../../engine/index.ts";
import type { Progress } from "../progress.ts";
import type { Past } from "../history/open.ts";
import { Problem } from "../problem.ts";
import type { Responder } from "../people/recorded.ts";
import { quietMemory } from "./beginning.ts";
import { decisionsOf, type PolicyReplay } from "./decide.ts";
import { direct } from "./direct.ts";
import type { Platform } from "./fold.ts";
import { planGiven } from "./given.ts";
import type { JudgedBefore, Judgements, JudgementsAsked } from "./judgements.ts";
import type { Plan } from "./plan.ts";
import type { Futures } from "./splice.ts";

export type { PolicyReplay } from "./decide.ts";

export interface Replay {
  readonly plan: Plan;
  /** By policy: decided on what history shows, and on nothing beyond it. */
  readonly policies: readonly PolicyReplay[];
  /** By draw, then by policy; where nothing is drawn there is one draw, `policies` itself. */
  readonly draws: readonly (readonly PolicyReplay[])[];
  /** By policy: places of deployments that history cut short and that the draws continue. */
  readonly imagined: readonly ReadonlySet<number>[];
  readonly samplesRead: number;
}

/** What is left to chance, drawn several times: what history hid, people's answers, failures. */
export interface Draws {
  readonly futures: Futures;
  /** The people of each draw; null where they are the same in all of them. */
  readonly peopleIn: ((draw: number) => Responder) | null;
  /** The platform of each draw; null where the same rollbacks fail in all of them. */
  readonly platformIn: ((draw: number) => Platform) | null;
}

/** A history that was judged under some policies, of which none has decided anything yet. */
export interface Watched {
  readonly plan: Plan;
  readonly judged: JudgedBefore;
  readonly samplesRead: number;
  /**
   * Decides under one of them.
   *
   * @param index of the policy, among those that `watchHistory` was given
   */
  readonly decide: (index: number, people: Responder, platform: Platform) => PolicyReplay;
}

export interface WatchOptions extends Pick<JudgementsAsked, "glances"> {
  /** Who judges; absent: `direct`. */
  readonly judgements?: Judgements | undefined;
}

/**
 * Judges a history under many policies and leaves deciding to the caller, who can so drop what one
 * policy decided before the next one is asked.
 *
 * @throws Problem where the history has no deployment
 */
export async function watchHistory(
  history: Past,
  policies: readonly Policy[],
  progress: Progress,
  { judgements = direct, ...asked }: WatchOptions = {},
): Promise<Watched> {
  refuseEmpty(history);
  const { plan, judged, samplesRead } = await judgements.of(history, policies, progress, asked);
  const quiet = quietMemory(policies.length > 1);
  return {
    plan,
    judged,
    samplesRead,
    decide: (index, people, platform) =>
      decisionsOf(plan, policies[index]!, judged[index]!, people, platform, quiet),
  };
}

/** @throws Problem where there is no deployment to say anything about */
export function refuseEmpty(history: Past): void {
  if (history.tables.deployments.length > 0) return;
  throw new Problem("this history has no deployments: there is nothing to replay", {
    file: history.dir,
    cure: "Import deployments.csv beside the metrics.",
  });
}

export interface ReplayOptions extends WatchOptions, Omit<JudgementsAsked, "futures" | "known"> {
  /** Null or absent: people are asked once, and what history hid stays unseen. */
  readonly draws?: Draws | null | undefined;
}

/**
 * What the policies would have decided on a history.
 *
 * @throws Problem where the history has no deployment
 */
export async function replay(
  history: Past,
  policies: readonly Policy[],
  people: Responder,
  platform: Platform,
  progress: Progress,
  { draws = null, judgements = direct, ...options }: ReplayOptions = {},
): Promise<Replay> {
  refuseEmpty(history);
  const asked = { ...options, futures: draws?.futures };
  const detection = await judgements.of(history, policies, progress, asked);
  progress.end();
  const { plan } = detection;
  const quiet = quietMemory(policies.length > 1);
  const plans = policies.map((_, index) =>
    planGiven(plan, options.given?.[index] ?? null, index === 0 ? null : detection.judged[0]!),
  );
  const results = policies.map((policy, index): PolicyReplay => {
    const own = detection.judged[index]!;
    return decisionsOf(plans[index]!, policy, own, people, platform, quiet);
  });
  const imagined = detection.imagined.map((byDraw) => new Set(byDraw[0]?.keys()));
  const { peopleIn, platformIn } = draws ?? { peopleIn: null, platformIn: null };
  const isLuck = peopleIn !== null || platformIn !== null;
  const isDrawn = draws !== null && (imagined.some(({ size }) => size > 0) || isLuck);
  const drawn = Array.from({ length: isDrawn ? draws.futures.draws : 0 }, (_, draw) =>
    policies.map((policy, index): PolicyReplay => {
      const hidden = detection.imagined[index]![draw];
      const own = results[index]!.judged.map((seen, at) => hidden?.get(at) ?? seen);
      const who = peopleIn === null ? people : peopleIn(draw);
      const how = platformIn === null ? platform : platformIn(draw);
      return decisionsOf(plans[index]!, policy, own, who, how, quiet);
    }),
  );
  return {
    plan,
    policies: results,
    draws: isDrawn ? drawn : [results],
    imagined,
    samplesRead: detection.samplesRead,
  };
}
