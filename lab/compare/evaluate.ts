/**
 * The lab's main path in one call: history → detect → decide → outcome → score →
 * compare. `replay` is this with one policy, `compare` with several.
 */

import {
  ENGINE_VERSION,
  resolveTier,
  tagsAt,
  type JsonObject,
  type Policy,
  type SamplesSeen,
} from "../../engine/index.ts";
import type { LabelChoice, Labelling } from "../history/labels/choose.ts";
import type { Listed } from "../history/listed.ts";
import type { Past } from "../history/open.ts";
import {
  outageNote,
  outageText,
  policiesIn,
  withOutage,
  type Outage,
  type OutageText,
} from "../history/outage.ts";
import { failuresText } from "../outcome/failures.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { passingNotes } from "../outcome/passing.ts";
import { stretched } from "../outcome/recovery.ts";
import { peopleAsked, type PeopleAsked } from "../people/choose.ts";
import { silenceNotes, windowNotes } from "../people/closedForm.ts";
import type { Replay } from "../replay/replay.ts";
import { collectSamples } from "../replay/samplesSeen.ts";
import type { EffectRule } from "../replay/splice.ts";
import { calibrationOf } from "../score/calibration.ts";
import { DEFAULT_COSTS, pricedFor, type Costs } from "../score/costs.ts";
import { wrongLabelsOf } from "../score/wrongLabels.ts";
import { diagnosticsOf, meanRecoverySeconds, type MttrSensitivity } from "../score/diagnostics.ts";
import { score, type Scored, type ScoreOptions } from "../score/scorecard.ts";
import { evaluateAgain, pairOf } from "./again.ts";
import type { Hidden } from "./bounds.ts";
import { differencesOf, flipsOf, type Difference, type Flip } from "./compare.ts";
import { agreementsOf, type RecordAgreement } from "./incumbentRecord.ts";
import type { Limit } from "./margin.ts";
import type { EvaluatedAgain } from "./modelled.ts";
import { placesLabelled } from "./kinds.ts";
import { checkNames } from "./names.ts";
import { notesOf } from "./notes.ts";
import { replayOutcomes, type ReplayOptions } from "./outcomes.ts";
import { unmetNotes } from "./unmet.ts";
import { scoredWeeks, withinNotes, withinText, type WithinText } from "./within.ts";
import { withCauses } from "./withCauses.ts";

export type { PeopleChoice } from "../people/choose.ts";

export interface EvaluateOptions extends ReplayOptions {
  /** The defaults where none are given. */
  readonly costs?: Costs;
  /** Bootstrap samples behind every interval. */
  readonly replicates: number;
  /** With which labels a history is opened for this; the past that comes says which it has. */
  readonly labels?: LabelChoice | undefined;
  /** Digest the samples seen, for a log: it costs a pass over them. */
  readonly digestSamples?: boolean;
  /** Scores and their differences, and nothing beside them: for whoever asks for thousands. */
  readonly scoresOnly?: true;
  /** Policies that are not compared: no differences and no flips. */
  readonly compared?: false;
  /** Scorecards without causes: those read samples again, of misses and false rollbacks. */
  readonly causes?: false;
  /** What if the API of the metrics had been down? Absent: the samples are those of the history. */
  readonly outage?: Outage;
  /**
   * Say as well what holds by the model of what history hid. That part of the history is then read
   * five times; absent: only what holds whatever it hid.
   */
  readonly modelled?: {
    /** Margins that the differences are held against as well. */
    readonly limits: readonly Limit[];
  };
}

export interface Evaluated {
  readonly policy: Policy;
  /** The outcomes of the first draw. */
  readonly outcomes: Listed<Outcome>;
  /** Once for each draw of people's luck. */
  readonly draws: readonly Listed<Outcome>[];
  readonly scored: Scored;
}

/** Everything needed to make a run again; only `timing` may differ between two runs. */
export interface RunManifest extends PeopleAsked {
  readonly format: "hindsight-run";
  readonly engineVersion: string;
  /** The version of the time zone database: calendars of modes and nights go by it. */
  readonly timeZones: string;
  readonly history: { readonly digest: string; readonly samples: number };
  /** On which labels scores rest, where the history has derived ones. */
  readonly labels?: Labelling;
  /** Only deployments that started in here are scored; all of them where it is not there. */
  readonly within?: WithinText;
  /** The API of the metrics was down in this run, though not in the history. */
  readonly outage?: OutageText;
  /** Where no history was replayed but a world lived: what makes it again. */
  readonly world?: {
    readonly file: string;
    readonly seed: number;
    readonly sha256: string;
    readonly from: string;
    readonly to: string;
    /** By policy: rollbacks of what cannot be undone, and how long what they broke stayed so. */
    readonly broken: JsonObject<{ rollbacks: number; minutes: number }>;
  };
  readonly policies: readonly { readonly name: string; readonly digest: string }[];
  readonly costs: Costs;
  readonly seed: number;
  readonly replicates: number;
  readonly draws: number;
  readonly effect: EffectRule;
  readonly recovery: {
    readonly rollbackSeconds: number;
    readonly rollbackFrom: string;
    readonly recoverySeconds: number;
    readonly recoveryFrom: string;
    /** The share of rollbacks that fails, of those that history never tried. */
    readonly rollbackFails: number | null;
    readonly rollbackFailsFrom: string;
    /** How long a regression counts that nobody rolls back and whose end is not recorded. */
    readonly unaidedSeconds: number;
  };
  readonly samplesRead: number;
  readonly notes: readonly string[];
  readonly timing: { readonly startedAt: string; readonly seconds: number };
}

export interface Evaluation {
  readonly manifest: RunManifest;
  readonly policies: readonly Evaluated[];
  readonly differences: readonly Difference[];
  readonly flips: readonly Flip[];
  /** Of each policy that is an incumbent, how it agrees with the record of what it stands for. */
  readonly agreements: readonly RecordAgreement[];
  readonly replay: Replay;
  /** The first draw's outcomes of policies that were not to be scored; see `Told`. */
  readonly unscored: readonly Listed<Outcome>[];
  /** How outcomes of these deployments are scored. */
  readonly scoring: ScoreOptions;
  /** What is known of deployments that history hid. */
  readonly hidden: Hidden;
  /** The policies again, by the model of what history hid, in the order of `policies`. */
  readonly again: EvaluatedAgain | null;
  /** By deployment; empty unless they were to be digested. */
  readonly samplesSeen: ReadonlyMap<string, SamplesSeen>;
}

/** Replays and scores every policy; the first is the baseline of the differences. */
export async function evaluate(
  past: Past,
  asked: readonly Policy[],
  options: EvaluateOptions,
): Promise<Evaluation> {
  const startedAt = new Date();
  const began = performance.now();
  const { modelled, digestSamples = false, ...others } = options;
  const { within, outage } = others;
  const policies = outage === undefined ? asked : policiesIn(asked, outage);
  checkNames(policies);
  const history = outage === undefined ? past : withOutage(past, outage);
  const { tables, manifest } = history;
  const stretch = within === undefined ? [] : withinNotes(within, history);
  // Variants of one policy have the same to say about it.
  const unlike = options.told === undefined ? policies : policies.slice(0, 1);
  const unmet = unmetNotes(history, unlike);
  const samples = collectSamples();
  const found = await replayOutcomes(history, policies, {
    ...others,
    samples: digestSamples ? samples : undefined,
  });
  const { people, recovery, effect, passing, replayed, drawsIf } = found;
  const costs = pricedFor(tables.services, options.costs ?? DEFAULT_COSTS);
  const zones = new Map(tables.services.map(({ service, timezone }) => [service, timezone]));
  const scoring: ScoreOptions = {
    costs,
    weeks: scoredWeeks(manifest, within),
    timezoneOf: (service) => zones.get(service) ?? null,
    seed: options.seed,
    bootstraps: options.replicates,
    unaidedSeconds: recovery.unaided.meanMs / 1000,
  };
  const drawsOf = drawsIf(recovery);
  // Nothing else has a time to recovery.
  const regressions = placesLabelled(history, replayed.plan, "regression");
  const drawsIfHalf = drawsIf(stretched(recovery, 0.5), regressions);
  const drawsIfDouble = drawsIf(stretched(recovery, 2), regressions);
  const sensitivityOf = (policy: number): MttrSensitivity => ({
    recoveryHalved: meanRecoverySeconds(drawsIfHalf(policy)),
    recoveryDoubled: meanRecoverySeconds(drawsIfDouble(policy)),
  });
  const scoredCount = options.told?.scored ?? policies.length;
  const made = policies.slice(0, scoredCount).map((policy, index): Evaluated => {
    const draws = drawsOf(index);
    const outcomes = draws[0]!;
    const scored = score(draws, scoring);
    if (options.scoresOnly) return { policy, outcomes, draws, scored };
    const scorecard = {
      ...scored.scorecard,
      ...(options.lived === undefined ? { mttrSensitivity: sensitivityOf(index) } : {}),
      calibration: calibrationOf(outcomes, policy, costs, recovery),
      diagnostics: diagnosticsOf(draws),
      ...(history.labelling === undefined
        ? {}
        : { wrongLabels: wrongLabelsOf(outcomes, options.seed) }),
    };
    return { policy, outcomes, draws, scored: { ...scored, scorecard } };
  });
  const tellsCauses = options.causes !== false && !options.scoresOnly && !options.lived;
  const evaluated = tellsCauses ? await withCauses(history, replayed.plan, made) : made;
  const hidden = hiddenIn(replayed.plan);
  const baseline = evaluated[0]!;
  const candidates = options.compared === false ? [] : evaluated.slice(1);
  const again =
    modelled === undefined || candidates.length === 0 || replayed.draws.length < 2
      ? null
      : await evaluateAgain(
          history,
          policies.slice(0, scoredCount),
          { ...others, recovery },
          found,
        );
  const differences: Difference[] = [];
  for (const [at, candidate] of candidates.entries()) {
    const pair = again === null ? null : await pairOf(again, 0, at + 1);
    const limits = modelled?.limits ?? [];
    const comparing = { scoring, hidden, again: pair, limits };
    differences.push(...differencesOf(baseline, candidate, comparing));
  }
  return {
    manifest: {
      format: "hindsight-run",
      engineVersion: ENGINE_VERSION,
      timeZones: process.versions["tz"] ?? "unknown",
      history: { digest: manifest.digest, samples: manifest.samples },
      ...(history.labelling === undefined ? {} : { labels: history.labelling }),
      ...(within === undefined ? {} : { within: withinText(within) }),
      ...(outage === undefined ? {} : { outage: outageText(outage) }),
      policies: policies.map(({ policy, digest }) => ({ name: policy, digest })),
      ...peopleAsked(options.people, people),
      costs,
      seed: options.seed,
      replicates: options.replicates,
      draws: replayed.draws.length,
      effect,
      recovery: {
        rollbackSeconds: recovery.rollbackMs / 1000,
        rollbackFrom: recovery.rollbackFrom,
        recoverySeconds: recovery.recoveryMs / 1000,
        recoveryFrom: recovery.recoveryFrom,
        rollbackFails: recovery.failures?.rate ?? null,
        rollbackFailsFrom:
          recovery.failures === null
            ? "each deployment's own, as the world has it"
            : failuresText(recovery.failures),
        unaidedSeconds: recovery.unaided.meanMs / 1000,
      },
      samplesRead: replayed.samplesRead,
      notes: [
        ...stretch,
        ...(outage === undefined ? [] : [outageNote(outage)]),
        ...unmet,
        ...notesOf(history, evaluated, recovery, options.told?.asked),
        ...passingNotes(passing),
        ...silenceNotes(unlike, options.people),
        ...windowNotes(unlike, people.model, people.seenUntilMs),
      ],
      timing: {
        startedAt: startedAt.toISOString(),
        seconds: Math.round(performance.now() - began) / 1000,
      },
    },
    policies: evaluated,
    differences,
    flips: candidates.flatMap(({ outcomes, policy }) =>
      flipsOf(baseline.outcomes, outcomes, policy.policy),
    ),
    // Neither an outage nor a simulated world happened to the incumbent itself.
    agreements:
      outage !== undefined || options.lived !== undefined || options.scoresOnly === true
        ? []
        : agreementsOf(tables, policies.slice(0, scoredCount), replayed, within),
    replay: replayed,
    unscored: policies.slice(scoredCount).map((_, at) => drawsOf(scoredCount + at)[0]!),
    scoring,
    hidden,
    again,
    samplesSeen: samples.byDeployment,
  };
}

/** What a plan knows of deployments that history hid. */
function hiddenIn({ places, deployments }: Replay["plan"]): Hidden {
  const plannedOf = ({ deploymentId }: Outcome) => deployments.at(places.get(deploymentId)!)!;
  return {
    isTagged: (outcome) => plannedOf(outcome).tags.length > 0,
    tierOf: (policy, outcome) => {
      if (outcome.tier !== null) return outcome.tier;
      const { deployment, tags } = plannedOf(outcome);
      const atMs = outcome.censoredAtMs ?? outcome.startedAtMs;
      const active = tagsAt(policy, deployment, tags, atMs, atMs);
      return resolveTier(policy, deployment, active, atMs).tier;
    },
  };
}
