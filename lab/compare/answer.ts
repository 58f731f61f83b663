/**
 * What is shown of an evaluation: plain data, which is kept whole and read again when the same is
 * asked once more. Neither the history nor what reads it is opened for that.
 */

import { isMiss } from "../causes/causes.ts";
import type { Policy } from "../../engine/index.ts";
import type { Listed } from "../history/listed.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { Answers } from "../history/answered.ts";
import { readManifest } from "../history/manifest.ts";
import { peopleContent } from "../people/choose.ts";
import { DEFAULT_COSTS, isUnlabelled, isWasted } from "../score/costs.ts";
import type { Scored } from "../score/scorecard.ts";
import type { EvaluateOptions, Evaluated, Evaluation } from "./evaluate.ts";
import type { Pair, WhichPairs } from "./pairs.ts";
import { withinText } from "./within.ts";

/** One policy of an answer. */
export interface Answered extends Pick<Evaluated, "policy"> {
  /** All of the first draw, or only those that are told one by one; see `Shows`. */
  readonly outcomes: Listed<Outcome>;
  readonly scored: Pick<Scored, "scorecard" | "clusters">;
}

export interface Answer extends Pick<
  Evaluation,
  "manifest" | "differences" | "flips" | "agreements"
> {
  readonly policies: readonly Answered[];
  /** Of three policies or more: pairs without the first. */
  readonly pairs?: readonly Pair[];
}

/** How many outcomes are shown: every one, or what a page of scores says of them. */
type Shows = "outcomes" | "scores";

/** What of the options an answer rests on: all that may be said on a command line. */
type AskedOptions = Pick<
  EvaluateOptions,
  | "people"
  | "costs"
  | "seed"
  | "replicates"
  | "draws"
  | "effect"
  | "within"
  | "outage"
  | "glances"
  | "judgements"
  | "modelled"
  | "labels"
  | "progress"
> & {
  readonly pairs?: WhichPairs;
  /** Keeps answers; absent: every one is made. */
  readonly answers?: Answers;
};

/**
 * `evaluate`, for whoever shows what comes out.
 *
 * @param use is handed the whole evaluation, which is then made; null: nobody wants it
 */
export async function answerTo(
  dir: string,
  policies: readonly Policy[],
  options: AskedOptions,
  shows: Shows,
  use: ((evaluation: Evaluation) => Promise<void>) | null = null,
): Promise<Answer> {
  const startedAt = new Date();
  const began = performance.now();
  const make = (): Promise<Answer> => evaluateIn(dir, policies, options, shows, use);
  const { answers } = options;
  const manifest = readManifest(dir);
  const isSmall = answers === undefined || manifest.samples < answers.leastSamples;
  if (isSmall || use !== null || options.outage !== undefined) return make();
  const { people, costs = DEFAULT_COSTS, seed, replicates } = options;
  const { draws = 1, effect = "hold", glances = false, modelled = null } = options;
  const { labels = "both", pairs = "none" } = options;
  const within = options.within === undefined ? null : withinText(options.within);
  const rest = {
    people,
    costs,
    seed,
    replicates,
    draws,
    effect,
    within,
    glances,
    shows,
    modelled,
    labels,
    pairs,
  };
  const { answer, isKept } = await answers.answer(
    {
      past: { dir, manifest },
      kind: "evaluation",
      question: () => [policies, rest, peopleContent(people)],
    },
    make,
  );
  if (!isKept) return answer;
  const seconds = Math.round(performance.now() - began) / 1000;
  const timing = { startedAt: startedAt.toISOString(), seconds };
  return { ...answer, manifest: { ...answer.manifest, timing } };
}

async function evaluateIn(
  dir: string,
  policies: readonly Policy[],
  options: AskedOptions,
  shows: Shows,
  use: ((evaluation: Evaluation) => Promise<void>) | null,
): Promise<Answer> {
  // What opens a history takes a tenth of a second to load.
  const [{ evaluate }, { openHistory }, { pairsOf }] = await Promise.all([
    import("./evaluate.ts"),
    import("../history/open.ts"),
    import("./pairs.ts"),
  ]);
  const history = await openHistory(dir, { labels: options.labels });
  try {
    // A log names the samples that it rests on.
    const evaluation = await evaluate(history, policies, {
      ...options,
      digestSamples: use !== null,
    });
    await use?.(evaluation);
    const pairs = await pairsOf(evaluation, options.pairs ?? "none");
    return { ...answerOf(evaluation, shows), ...(pairs.length === 0 ? {} : { pairs }) };
  } finally {
    history.close();
  }
}

/** Is it told by its name, beside the scores? */
function isNamed(outcome: Outcome): boolean {
  return isWasted(outcome) || isUnlabelled(outcome) || isMiss(outcome);
}

function answerOf(evaluation: Evaluation, shows: Shows): Answer {
  const { manifest, policies, differences, flips, agreements } = evaluation;
  return {
    manifest,
    policies: policies.map(({ policy, outcomes, scored: { scorecard, clusters } }) => ({
      policy,
      outcomes: shows === "outcomes" ? [...outcomes] : outcomes.filter(isNamed),
      scored: { scorecard, clusters },
    })),
    differences,
    flips,
    agreements,
  };
}
