/**
 * What is known of a shard: the packs of it that are in the store, what of them answers a
 * question, and what is missing.
 */

import type { SamplesSeen, SignalJudged, WatchJudged } from "../../engine/index.ts";
import { keyOf } from "./identity.ts";
import type { Group, Shard } from "./shards.ts";
import type { Pack, Store } from "./store.ts";

export type Judgements = readonly SignalJudged[];

/** What one unit made: places are those within the shard. */
export interface Judged {
  /** Of quiet watches no more is said than that they were. */
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

/** What a unit of work is asked to make. */
export interface Missing {
  /** Which of the question's groups. */
  readonly groups: readonly number[];
  /** Only what history cut short, to be continued: the rest was judged before. */
  readonly cutOnly: boolean;
}

/** What a shard's results are looked up by. */
interface Wanted {
  readonly groups: readonly Group[];
  /** Null where nothing of it is continued. */
  readonly future: string | null;
  readonly digests: boolean;
  /** Is a glance enough? */
  readonly glances: boolean;
}

/** The results of one shard: those that are there, and what is missing. */
export class Lookup {
  /** What was made here, or read. */
  readonly #known: Judged[] = [];
  /** Packs that together hold what is wanted of what is there. */
  #chosen: Pack[] = [];

  constructor(
    readonly store: Store,
    readonly shard: Shard,
    readonly wanted: Wanted,
    readonly cutOnly: boolean,
    /** Placebos are prepared for all policies at once: no group is judged without the others. */
    readonly whole: boolean,
  ) {}

  /** What was made here, whether or not it could be kept. */
  add(made: Judged): void {
    this.#known.push(made);
  }

  /** By the labels of the packs alone; null where everything is there. */
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

  /** Reads what is there; false where some of it turned out to be damaged. */
  load(): boolean {
    for (const { name, entries } of this.#chosen) {
      const made = this.store.read(this.shard.key, name) as Judged | null;
      if (made === null) return false;
      // Of a pack continued in another way only what was seen counts.
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

  /** Chooses packs; what none of them holds is returned. */
  #choose(): Set<string> {
    const open = new Set(entriesWanted(this.wanted, this.cutOnly));
    this.#chosen = [];
    for (const pack of this.store.list(this.shard.key)) {
      const isOpen = (entry: string): boolean =>
        open.has(entry) || open.has(entry.replace(SEEN, GLANCED));
      if (!pack.entries.some(isOpen)) continue;
      this.#chosen.push(pack);
      for (const entry of pack.entries) open.delete(entry);
      // Who looked closer also glanced.
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

/** Keeps what a unit made, where whoever asks the same again looks for it. */
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
