/**
 * Finds the stored results of a shard: which packs in the store answer a question, and what is
 * missing.
 */

import type { SamplesSeen, SignalJudged, WatchJudged } from "../../engine/index.ts";
import { keyOf } from "./identity.ts";
import type { Group, Shard } from "./shards.ts";
import type { Pack, Store } from "./store.ts";

export type Judgements = readonly SignalJudged[];

/** The result of one unit; places are indices within the shard. */
export interface Judged {
  /** Quiet watches are only marked as quiet, without their judgements (see `detect`). */
  readonly glanced: boolean;
  readonly groups: readonly {
    readonly key: string;
    readonly seen: readonly WatchJudged[] | null;
    /** By draw. */
    readonly imagined: readonly (readonly (readonly [place: number, Judgements])[])[] | null;
  }[];
  readonly samples: number | null;
  readonly samplesCut: number | null;
  readonly digests: readonly SamplesSeen[] | null;
}

/** What a unit must compute. */
export interface Missing {
  /** Indices of the question's groups. */
  readonly groups: readonly number[];
  /** Compute only the continuations of what history cut short: the rest is known. */
  readonly cutOnly: boolean;
}

/** What is needed of a shard. */
interface Wanted {
  readonly groups: readonly Group[];
  /** See `futureKey`; null where nothing is continued. */
  readonly future: string | null;
  readonly digests: boolean;
  /** Is a glance enough? */
  readonly glances: boolean;
}

/** The results of one shard. */
export class Lookup {
  /** Results that were computed here, or read. */
  readonly #known: Judged[] = [];
  /** The packs to read: together they hold everything wanted that is in the store. */
  #chosen: Pack[] = [];

  constructor(
    readonly store: Store,
    readonly shard: Shard,
    readonly wanted: Wanted,
    readonly cutOnly: boolean,
    /** Judge all groups or none: placebos are prepared for all policies at once. */
    readonly whole: boolean,
  ) {}

  /** Adds a result that was computed here, whether or not it could be stored. */
  add(made: Judged): void {
    this.#known.push(made);
  }

  /** What must be computed, judged by the packs' labels; null where everything is stored. */
  missing(): Missing | null {
    const { groups, digests, future, glances } = this.wanted;
    if (this.cutOnly && future === null) return null;
    const open = this.#choose();
    if (open.size === 0) return null;
    const all = [...groups.keys()];
    const isOpen = (at: number): boolean =>
      open.has(seenEntry(groups[at]!, glances)) ||
      (future !== null && open.has(imaginedEntry(future, groups[at]!)));
    const some = this.whole ? all : all.filter(isOpen);
    const isSeen = !groups.some((group) => open.has(seenEntry(group, glances)));
    const isCounted = !open.has(SAMPLES) && !(digests && open.has(DIGESTS));
    return {
      groups: some.length === 0 ? [0] : some,
      cutOnly: this.cutOnly || (isSeen && isCounted),
    };
  }

  /** Reads the chosen packs. @returns false where one of them was damaged */
  load(): boolean {
    for (const { name, entries } of this.#chosen) {
      const made = this.store.read(this.shard.key, name) as Judged | null;
      if (made === null) return false;
      // If the pack has other continuations, use only its judgements of real samples.
      const { future } = this.wanted;
      const isOurs = future !== null && entries.includes(futureEntry(future));
      const own = made.groups.map((one) => (isOurs ? one : { ...one, imagined: null }));
      this.#known.push({ ...made, groups: own });
    }
    this.#chosen = [];
    return true;
  }

  seen({ key }: Group): readonly WatchJudged[] | null {
    return this.#first((made) => {
      if (made.glanced && !this.wanted.glances) return null;
      return made.groups.find((one) => one.key === key)?.seen ?? null;
    });
  }

  imagined({ key }: Group): NonNullable<Judged["groups"][number]["imagined"]> | null {
    return this.#first((made) => made.groups.find((one) => one.key === key)?.imagined ?? null);
  }

  samples(): number | null {
    return this.#first((made) => (this.cutOnly ? made.samplesCut : made.samples));
  }

  digests(): readonly SamplesSeen[] | null {
    return this.#first((made) => made.digests);
  }

  #first<Value>(pick: (made: Judged) => Value | null): Value | null {
    for (const made of this.#known) {
      const found = pick(made);
      if (found !== null) return found;
    }
    return null;
  }

  /** Chooses packs. @returns the wanted entries that no pack has */
  #choose(): Set<string> {
    const open = new Set(entriesWanted(this.wanted, this.cutOnly));
    this.#chosen = [];
    for (const pack of this.store.list(this.shard.key)) {
      const isOpen = (entry: string): boolean =>
        open.has(entry) || open.has(entry.replace(SEEN, GLANCED));
      if (!pack.entries.some(isOpen)) continue;
      this.#chosen.push(pack);
      for (const entry of pack.entries) open.delete(entry);
      // Full judgements also serve where glances are enough.
      for (const entry of pack.entries) open.delete(entry.replace(SEEN, GLANCED));
    }
    return open;
  }
}

const SAMPLES = "samples";
const SAMPLES_CUT = "samples cut";
const DIGESTS = "digests";
const SEEN = /^seen /;
const GLANCED = "glanced ";
const seenEntry = ({ key }: { readonly key: string }, glanced: boolean): string =>
  glanced ? `${GLANCED}${key}` : `seen ${key}`;
const futureEntry = (future: string): string => `future ${future}`;
const imaginedEntry = (future: string, { key }: { readonly key: string }): string =>
  `imagined ${future} ${key}`;

function entriesWanted({ groups, future, digests, glances }: Wanted, cutOnly: boolean): string[] {
  return [
    cutOnly ? SAMPLES_CUT : SAMPLES,
    ...(digests ? [DIGESTS] : []),
    ...(cutOnly ? [] : groups.map((group) => seenEntry(group, glances))),
    ...(future === null ? [] : groups.map((group) => imaginedEntry(future, group))),
  ];
}

/** Stores the result of a unit. @returns false where it could not be stored */
export function writeJudged(
  store: Store,
  shard: Shard,
  future: string | null,
  made: Judged,
): boolean {
  const entries = [
    ...(made.samples === null ? [] : [SAMPLES]),
    ...(made.samplesCut === null ? [] : [SAMPLES_CUT]),
    ...(made.digests === null ? [] : [DIGESTS]),
    ...made.groups.flatMap((one) => (one.seen === null ? [] : [seenEntry(one, made.glanced)])),
    ...(future === null
      ? []
      : [
          futureEntry(future),
          ...made.groups.flatMap((one) =>
            one.imagined === null ? [] : [imaginedEntry(future, one)],
          ),
        ]),
  ];
  return store.write(shard.key, keyOf("pack", entries), entries, made);
}
