/**
 * Answers that take a while: whoever asks first sets them going, everybody who asks the same
 * meanwhile shares them, and a short answer comes at once.
 */

import type { StillComputing } from "./answers.ts";
import { stillComputing } from "./answers.ts";
import type { ProgressDocument } from "./contract/words.ts";
import { SERVER_LIMITS } from "../limits.ts";
import { Refusal } from "./problems.ts";

/** So long an answer is waited for before it is said that it is still being made. */
const PATIENCE_MS = 400;
/** Results nobody has asked for lately are let go; what is still being made never is. */
const KEPT = 128;
/** So many are being made at once; who asks for one more is turned away. */
const MAKING_AT_MOST = SERVER_LIMITS.answersInTheMaking;
/** A failure is told to whoever asks within this time, then it is tried again. */
const FAILURE_KEPT_MS = 5000;

interface Work {
  readonly made: Promise<unknown>;
  settled: boolean;
  failedAtMs: number | null;
}

export class Computed {
  readonly #works = new Map<string, Work>();

  constructor(private readonly progress: () => ProgressDocument | null) {}

  /**
   * @param key of what is asked, so that equal keys have answers of one kind
   * @param keeps false for what is as quick to make again as to keep
   */
  async of<Answer>(
    key: string,
    make: () => Promise<Answer>,
    keeps: boolean,
  ): Promise<Answer | StillComputing> {
    const known = this.#works.get(key);
    const isStale =
      known !== undefined &&
      known.failedAtMs !== null &&
      performance.now() - known.failedAtMs > FAILURE_KEPT_MS;
    const work = known === undefined || isStale ? this.#start(key, make) : known;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => {
        resolve("late");
      }, PATIENCE_MS);
    });
    try {
      const answer = await Promise.race([work.made as Promise<Answer>, late]);
      if (answer === "late") return stillComputing(this.progress());
      // The one who asked first went before it was begun: it is begun again when asked again.
      if (answer === null) {
        this.#works.delete(key);
        return stillComputing(this.progress());
      }
      if (!keeps) this.#works.delete(key);
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  #start(key: string, make: () => Promise<unknown>): Work {
    const settled = [...this.#works].filter(([, { settled }]) => settled);
    if (this.#works.size - settled.length >= MAKING_AT_MOST) {
      throw new Refusal("unavailable", "Too many answers are being made; ask again soon.");
    }
    for (const [old] of settled.slice(0, Math.max(0, settled.length - KEPT + 1))) {
      this.#works.delete(old);
    }
    const work: Work = { made: make(), settled: false, failedAtMs: null };
    work.made.then(
      () => {
        work.settled = true;
      },
      () => {
        work.settled = true;
        work.failedAtMs = performance.now();
      },
    );
    this.#works.delete(key);
    this.#works.set(key, work);
    return work;
  }
}
