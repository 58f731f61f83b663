/**
 * Keeps the judgements of deployments that are not quiet in columns, to save memory: as objects
 * those of one deployment take three kilobytes of V8's heap, and in columns a third of a kilobyte
 * outside of it.
 *
 * Law: what is written out again is equal to what was kept. Null is stored as NaN, so evidence may
 * hold no NaN; none does.
 */

import {
  isKeptWatch,
  isQuietWatch,
  type BreachingSeries,
  type KeptWatch,
  type SignalEvidence,
  type SignalJudged,
  type Verdict,
  type WatchJudged,
} from "../../engine/index.ts";
import { GrowingColumn } from "../history/packed.ts";

/** How many numbers one piece of evidence has; null is stored as NaN. */
const NUMBERS = 13;
/** Indices of one piece of evidence: of its six texts, and from where to where its series are. */
const PLACES = 8;

/**
 * Up to so many watches, ten megabytes, are kept as objects, which is faster for small histories.
 */
const AS_THEY_ARE = 3000;

const CAUSES = ["sample", "silence", "end"] as const;

/** Do none of these judgements concern anybody else: no breach, and no evidence that stands? */
export function areSilent(judgements: readonly SignalJudged[]): boolean {
  return judgements.every(({ evidence }) => isSilentEvidence(evidence));
}

function isSilentEvidence({ verdict, untagged, standing }: SignalEvidence): boolean {
  const speaks = standing !== null && (standing.tagged > 0 || standing.untagged > 0);
  return verdict !== "breach" && untagged !== "breach" && !speaks;
}

export class KeptJudgements {
  /** Two entries for each judgement: `atMs` and `knownAtMs`. */
  readonly #times = new GrowingColumn(Float64Array);
  /** Two for each: its cause; its piece of evidence, or -1 - index of one that is shared. */
  readonly #about = new GrowingColumn(Int32Array);
  readonly #numbers = new GrowingColumn(Float64Array);
  readonly #places = new GrowingColumn(Int32Array);
  /** By piece of evidence: what most pieces do not have. */
  readonly #rest = new Map<number, Rest>();
  readonly #breaching = new GrowingColumn(Int32Array);
  readonly #sinceMs = new GrowingColumn(Float64Array);
  /** Every text once, and the index of each. */
  readonly #texts: string[] = [];
  readonly #known = new Map<string, number>();
  #pieces = 0;
  /** The watches that are still objects, by place; null once there were too many. */
  #objects: Map<number, readonly SignalJudged[]> | null = new Map();

  /**
   * @param judged the judgements by place: those that are kept are replaced there
   * @param quiet evidence that many judgements share, which comes back as the same object
   * @param asTheyAre how many watches stay objects
   */
  constructor(
    private readonly judged: WatchJudged[],
    private readonly quiet: readonly SignalEvidence[],
    private readonly asTheyAre = AS_THEY_ARE,
  ) {}

  /** Keeps the judgements at a place, unless there are none or they are kept already. */
  keep(place: number): void {
    const own = this.judged[place]!;
    if (isQuietWatch(own) || isKeptWatch(own) || own.length === 0) return;
    if (this.#objects === null) {
      this.judged[place] = this.#written(own);
      return;
    }
    this.#objects.set(place, own);
    if (this.#objects.size <= this.asTheyAre) return;
    for (const [at, judgements] of this.#objects) this.judged[at] = this.#written(judgements);
    this.#objects = null;
  }

  #written(judgements: readonly SignalJudged[]): KeptWatch {
    const from = this.#about.length / 2;
    const times = this.#times.add(2 * judgements.length);
    const about = this.#about.add(2 * judgements.length);
    let last: SignalEvidence | null = null;
    let isSilent = true;
    for (let nth = 0; nth < judgements.length; nth++) {
      const { atMs, knownAtMs, cause, evidence } = judgements[nth]!;
      const shared = this.quiet.indexOf(evidence);
      if (shared < 0 && evidence !== last) {
        this.#add(evidence);
        isSilent &&= isSilentEvidence(evidence);
        last = evidence;
      }
      this.#times.items[times + 2 * nth] = atMs;
      this.#times.items[times + 2 * nth + 1] = knownAtMs;
      this.#about.items[about + 2 * nth] = CAUSES.indexOf(cause);
      this.#about.items[about + 2 * nth + 1] = shared < 0 ? this.#pieces - 1 : -1 - shared;
    }
    return new Kept(this, from, from + judgements.length, isSilent);
  }

  #add(evidence: SignalEvidence): void {
    const piece = this.#pieces++;
    const number = this.#numbers.add(NUMBERS);
    const numbers = this.#numbers.items;
    numbers[number] = evidence.effect ?? Number.NaN;
    numbers[number + 1] = evidence.expected ?? Number.NaN;
    numbers[number + 2] = evidence.scale ?? Number.NaN;
    numbers[number + 3] = evidence.tolerance;
    numbers[number + 4] = evidence.baseTolerance;
    numbers[number + 5] = evidence.statistic ?? Number.NaN;
    numbers[number + 6] = evidence.limit ?? Number.NaN;
    numbers[number + 7] = evidence.logE ?? Number.NaN;
    numbers[number + 8] = evidence.samples;
    numbers[number + 9] = evidence.baselineSamples;
    numbers[number + 10] = evidence.missing ?? Number.NaN;
    numbers[number + 11] = evidence.interval?.low ?? Number.NaN;
    numbers[number + 12] = evidence.interval?.high ?? Number.NaN;
    const { breaching, standing, tags, placebo, control, season, hardGuard, cause } = evidence;
    const series = this.#breaching.add(breaching.length);
    this.#sinceMs.add(breaching.length);
    for (let nth = 0; nth < breaching.length; nth++) {
      this.#breaching.items[series + nth] = this.#placeOf(breaching[nth]!.series);
      this.#sinceMs.items[series + nth] = breaching[nth]!.sinceMs;
    }
    const place = this.#places.add(PLACES);
    const places = this.#places.items;
    places[place] = this.#placeOf(evidence.signal);
    places[place + 1] = this.#placeOf(evidence.verdict);
    places[place + 2] = this.#placeOf(evidence.reason);
    places[place + 3] = evidence.series === null ? -1 : this.#placeOf(evidence.series);
    places[place + 4] = this.#placeOf(evidence.untagged);
    places[place + 5] = this.#placeOf(evidence.untaggedReason);
    places[place + 6] = series;
    places[place + 7] = series + breaching.length;
    const isPlain =
      standing === null &&
      tags.length === 0 &&
      placebo === null &&
      control === null &&
      season === null &&
      hardGuard === undefined &&
      cause === undefined;
    if (isPlain) return;
    this.#rest.set(piece, { standing, tags, placebo, control, season, hardGuard, cause });
  }

  #placeOf(text: string): number {
    let place = this.#known.get(text);
    if (place === undefined) this.#known.set(text, (place = this.#texts.push(text) - 1));
    return place;
  }

  /** The judgements from one index to another as objects again. */
  writtenOut(from: number, to: number, deploymentId: string): readonly SignalJudged[] {
    const judgements: SignalJudged[] = [];
    let last = -1;
    let made: SignalEvidence | null = null;
    for (let at = from; at < to; at++) {
      const piece = this.#about.items[2 * at + 1]!;
      if (piece >= 0 && piece !== last) {
        made = this.#evidenceAt(piece);
        last = piece;
      }
      judgements.push({
        kind: "signalJudged",
        atMs: this.#times.items[2 * at]!,
        knownAtMs: this.#times.items[2 * at + 1]!,
        deploymentId,
        evidence: piece < 0 ? this.quiet[-1 - piece]! : made!,
        cause: CAUSES[this.#about.items[2 * at]!]!,
      });
    }
    return judgements;
  }

  #evidenceAt(piece: number): SignalEvidence {
    const numbers = this.#numbers.items;
    const number = NUMBERS * piece;
    const places = this.#places.items;
    const place = PLACES * piece;
    const texts = this.#texts;
    const breaching: BreachingSeries[] = [];
    for (let at = places[place + 6]!; at < places[place + 7]!; at++) {
      const series = texts[this.#breaching.items[at]!]!;
      breaching.push({ series, sinceMs: this.#sinceMs.items[at]! });
    }
    const rest = this.#rest.get(piece) ?? PLAIN;
    const [low, high] = [numbers[number + 11]!, numbers[number + 12]!];
    // Written out field by field, so that nearly all evidence has one hidden class.
    const evidence: SignalEvidence = {
      signal: texts[places[place]!]!,
      verdict: texts[places[place + 1]!] as Verdict,
      reason: texts[places[place + 2]!]!,
      series: texts[places[place + 3]!] ?? null,
      effect: orNull(numbers[number]!),
      interval: Number.isNaN(low) ? null : { low, high },
      expected: orNull(numbers[number + 1]!),
      scale: orNull(numbers[number + 2]!),
      tolerance: numbers[number + 3]!,
      baseTolerance: numbers[number + 4]!,
      statistic: orNull(numbers[number + 5]!),
      limit: orNull(numbers[number + 6]!),
      logE: orNull(numbers[number + 7]!),
      breaching,
      standing: rest.standing,
      samples: numbers[number + 8]!,
      baselineSamples: numbers[number + 9]!,
      missing: orNull(numbers[number + 10]!),
      tags: rest.tags,
      untagged: texts[places[place + 4]!] as Verdict,
      untaggedReason: texts[places[place + 5]!]!,
      placebo: rest.placebo,
      control: rest.control,
      season: rest.season,
    };
    const { hardGuard, cause } = rest;
    if (hardGuard === undefined && cause === undefined) return evidence;
    return {
      ...evidence,
      ...(hardGuard === undefined ? {} : { hardGuard }),
      ...(cause === undefined ? {} : { cause }),
    };
  }
}

/** The fields of a piece of evidence that are not in columns. */
interface Rest extends Pick<
  SignalEvidence,
  "standing" | "tags" | "placebo" | "control" | "season"
> {
  readonly hardGuard: SignalEvidence["hardGuard"] | undefined;
  readonly cause: SignalEvidence["cause"] | undefined;
}

const PLAIN: Rest = {
  standing: null,
  tags: [],
  placebo: null,
  control: null,
  season: null,
  hardGuard: undefined,
  cause: undefined,
};

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

/** One watch: from where to where its judgements are in the columns. */
class Kept implements KeptWatch {
  readonly #in: KeptJudgements;
  readonly #from: number;
  readonly #to: number;

  constructor(
    kept: KeptJudgements,
    from: number,
    to: number,
    readonly isSilent: boolean,
  ) {
    [this.#in, this.#from, this.#to] = [kept, from, to];
  }

  writtenOut(deploymentId: string): readonly SignalJudged[] {
    return this.#in.writtenOut(this.#from, this.#to, deploymentId);
  }
}
