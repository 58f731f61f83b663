/**
 * What was refused, into the decision log: who asked for what, and why not. A flood of the
 * same becomes one entry a minute with its count, so that nobody fills the log by knocking.
 */

export interface Refused {
  readonly deploymentId: string | null;
  /** The person, else the sender; null where nobody knows who asked. */
  readonly by: string | null;
  /** What was asked: `override`, `deployments`. */
  readonly what: string;
  /** Those of the same kind, by the same, are counted together. */
  readonly kind: string;
  readonly why: string;
}

const EVERY_MS = 60_000;
/** Distinct kinds and names a minute; what is beyond shares one entry. */
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
    const own = `${refused.kind}\n${refused.by ?? ""}\n${refused.what}`;
    const isMany = this.#held.size >= KINDS_AT_MOST && !this.#held.has(own);
    const key = isMany ? refused.kind : own;
    const held = this.#held.get(key);
    if (held !== undefined) held.count++;
    else {
      this.#held.set(key, { first: refused, sinceMs: this.steadyMs(), count: 0 });
      await this.record(refused);
    }
  }

  /** Records what was counted for so long; with 0, all of it: at the end. */
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

  /** Ever growing, by kind. */
  get total(): ReadonlyMap<string, number> {
    return this.#total;
  }
}
