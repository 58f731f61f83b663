/**
 * Remembers how deliveries were answered: a sender that did not get the answer sends again, and
 * its repetition must have no second effect. Kept in a small file beside the journal, so that a
 * restart forgets no delivery whose signature is still valid.
 *
 * An answer is written after the host has journalled the event. After a crash between the two, the
 * repetition reaches the engine, which refuses what it has seen ("started already", "no proposal
 * stands"). The other order could lose an event, which would be worse.
 */

import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

const entrySchema = z.object({
  /** `sender/id`. */
  key: z.string(),
  atMs: z.number(),
  /** Of the body. */
  digest: z.string(),
  status: z.number(),
  body: z.string(),
});
type Entry = z.output<typeof entrySchema>;

/** With more expired lines than this, the file is rewritten. */
const STALE_LINES = 10_000;

export class Deliveries {
  readonly #answered = new Map<string, Entry>();
  readonly #running = new Map<string, { digest: string; answer: Promise<Answer> }>();
  #file: number;
  #lines = 0;

  /** @param keepMs how long an answer is kept: at least twice as long as a signature is valid */
  constructor(
    private readonly path: string,
    private readonly keepMs: number,
    private readonly nowMs: () => number,
  ) {
    mkdirSync(dirname(path), { recursive: true });
    for (const entry of readEntries(path)) this.#answered.set(entry.key, entry);
    this.#file = this.#writeAnew();
  }

  /**
   * The remembered answer to a delivery, or else that of `work`, which is then remembered.
   *
   * @returns null where the same key was used before with other content
   */
  async once(key: string, digest: string, work: () => Promise<Answer>): Promise<Answer | null> {
    const known = this.#answered.get(key) ?? this.#running.get(key);
    if (known !== undefined) {
      if (known.digest !== digest) return null;
      return "answer" in known ? known.answer : { status: known.status, body: known.body };
    }
    const answer = work();
    this.#running.set(key, { digest, answer });
    try {
      const { status, body } = await answer;
      // Only answers of the host are final: refusals before it, and our failures, may be retried.
      if (status === 200 || status === 409)
        this.#keep({ key, atMs: this.nowMs(), digest, status, body });
      return { status, body };
    } finally {
      this.#running.delete(key);
    }
  }

  /**
   * As `once`, for work that may be repeated: a delivery that comes again is worked on again, and
   * only its content is remembered.
   */
  async each(key: string, digest: string, work: () => Promise<Answer>): Promise<Answer | null> {
    const known = this.#answered.get(key);
    if (known !== undefined && known.digest !== digest) return null;
    const { status, body } = await work();
    if (status === 200 && known === undefined)
      this.#keep({ key, atMs: this.nowMs(), digest, status, body });
    return { status, body };
  }

  close(): void {
    closeSync(this.#file);
  }

  #keep(entry: Entry): void {
    this.#answered.set(entry.key, entry);
    this.#append(`${JSON.stringify(entry)}\n`);
    if (++this.#lines < this.#answered.size + STALE_LINES) this.#forget();
    else {
      closeSync(this.#file);
      this.#file = this.#writeAnew();
    }
  }

  /** A line that does not fit on the disk leaves nothing of it behind. */
  #append(line: string): void {
    const { size } = fstatSync(this.#file);
    try {
      writeFileSync(this.#file, line);
    } catch (error) {
      ftruncateSync(this.#file, size);
      throw error;
    }
    fsyncSync(this.#file);
  }

  /** Drops expired answers. A Map keeps the order of insertion, so the oldest come first. */
  #forget(): void {
    const fromMs = this.nowMs() - this.keepMs;
    for (const [key, { atMs }] of this.#answered) {
      if (atMs >= fromMs) break;
      this.#answered.delete(key);
    }
  }

  #writeAnew(): number {
    this.#forget();
    const partial = `${this.path}.partial`;
    rmSync(partial, { force: true });
    // Appending: after a line was taken back, the next one follows where it began.
    const file = openSync(partial, "a", 0o600);
    const lines = [...this.#answered.values()].map((entry) => `${JSON.stringify(entry)}\n`);
    try {
      writeFileSync(file, lines.join(""));
      fsyncSync(file);
      renameSync(partial, this.path);
    } catch (error) {
      closeSync(file);
      throw error;
    }
    this.#lines = lines.length;
    return file;
  }
}

/** A last line that a crash cut short is left out: its sender never got an answer. */
function readEntries(path: string): Entry[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        const parsed = entrySchema.safeParse(JSON.parse(line));
        return parsed.success ? [parsed.data] : [];
      } catch {
        return [];
      }
    });
}
