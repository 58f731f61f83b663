/**
 * Records refused requests in the decision log: who asked for what, and why not. Many of the same
 * kind become one entry a minute with a count, so that nobody can fill the log with requests.
 */

export interface Refused {
  readonly deploymentId: string | null;
  /** The person, else the sender; null where nobody knows who asked. */
  readonly by: string | null;
  /** What was asked: `override`, `deployments`. */
  readonly what: string;
  /** Refusals with the same `kind`, `by` and `what` are counted together. */
  readonly kind: string;
  readonly why: string;
}

const EVERY_MS = 60_000;
/** Distinct entries at a time; beyond them, all refusals of one kind share an entry. */
const KINDS_AT_MOST = 100;

interface Held {
  readonly first: Refused;
  sinceMs: number;
  count: number;
}

export class Refusals {
  readonly #held = new Map<string, Held>();
  readonly #total = new Map<string, number>();

  constructor(
    private readonly steadyMs: () => number,
    private readonly record: (refused: Refused) => Promise<void>,
  ) {}

  /** The first of its kind is recorded at once; what follows within a minute is counted. */
  async add(refused: Refused): Promise<void> {
    this.#total.set(refused.kind, (this.#total.get(refused.kind) ?? 0) + 1);
    await this.flush(EVERY_MS);
    const ownKey = `${refused.kind}\n${refused.by ?? ""}\n${refused.what}`;
    const isFull = this.#held.size >= KINDS_AT_MOST && !this.#held.has(ownKey);
    const key = isFull ? refused.kind : ownKey;
    const held = this.#held.get(key);
    if (held !== undefined) held.count++;
    else {
      this.#held.set(key, { first: refused, sinceMs: this.steadyMs(), count: 0 });
      await this.record(refused);
    }
  }

  /** Records the counts that are at least this old; 0 records all, at the end of the host. */
  async flush(olderThanMs: number): Promise<void> {
    const nowMs = this.steadyMs();
    for (const [key, held] of this.#held) {
      if (nowMs - held.sinceMs < olderThanMs) continue;
      this.#held.delete(key);
      const { first, count } = held;
      if (count === 0) continue;
      const more = count === 1 ? "once more" : `${count} times more`;
      await this.record({ ...first, why: `${first.why}; ${more} within a minute` });
    }
  }

  /** Refusals since the process began, by kind. */
  get total(): ReadonlyMap<string, number> {
    return this.#total;
  }
}
