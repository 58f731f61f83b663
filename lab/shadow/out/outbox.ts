/**
 * Sends documents to one receiver, in order and at least once: what is not sent yet is in a file
 * beside the journal, so that a restart sends it. What the receiver refuses, or does not take in
 * time, is given up, and people are told once until something arrives again.
 */

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { z } from "zod";
import type { CarriedOut, Clock } from "../contract.ts";
import { Episodes } from "../episodes.ts";

/** More wait only if the receiver is down for long; the oldest go first. */
const AT_MOST = 1000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const SOURCE = "outbox";

const fileSchema = z.object({
  /** What the writer of the documents must remember across restarts. */
  noted: z.array(z.string()),
  letters: z.array(
    z.object({ key: z.string(), atMs: z.number(), body: z.record(z.string(), z.unknown()) }),
  ),
});
type Contents = z.output<typeof fileSchema>;
export type Letter = Contents["letters"][number];

export interface Posting {
  readonly send: (letter: Letter, signal: AbortSignal) => Promise<CarriedOut>;
  /** May this host send now? Another one sends what is left. */
  readonly mayGo: () => boolean;
  readonly giveUpMs: number;
  /** Called with every result of an attempt. */
  readonly came: (letter: Letter, result: CarriedOut) => void;
  /** Called once an episode: documents are lost. */
  readonly fault: (why: string) => Promise<void>;
}

export class Outbox {
  #contents: Contents;
  #wake = new AbortController();
  readonly #episodes = new Episodes();

  /** @param note logs that the file could not be read */
  constructor(
    private readonly path: string,
    private readonly clock: Pick<Clock, "wallMs" | "wait">,
    private readonly posting: Posting,
    private readonly note: (text: string) => void,
  ) {
    this.#contents = this.#read();
  }

  get noted(): readonly string[] {
    return this.#contents.noted;
  }

  /** Adds documents, and replaces what must be remembered. */
  add(letters: readonly Omit<Letter, "atMs">[], noted: readonly string[]): void {
    const atMs = this.clock.wallMs();
    const all = [...this.#contents.letters, ...letters.map((letter) => ({ ...letter, atMs }))];
    const kept = all.slice(-AT_MOST);
    this.#replace({ noted: noted.slice(-AT_MOST), letters: kept });
    if (kept.length < all.length) void this.#lose(`more than ${AT_MOST} events wait to be sent`);
    this.#wake.abort();
  }

  /** Sends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    const stop = (): void => this.#wake.abort();
    signal.addEventListener("abort", stop);
    while (!signal.aborted) {
      const [letter] = this.#contents.letters;
      if (letter === undefined || !this.posting.mayGo()) {
        this.#wake = new AbortController();
        await this.clock.wait(LONGEST_PAUSE_MS, this.#wake.signal);
        continue;
      }
      const result = await this.posting.send(letter, signal);
      if (signal.aborted) break;
      this.posting.came(letter, result);
      const isLate = this.clock.wallMs() - letter.atMs > this.posting.giveUpMs;
      if (result.status === "unknown" && !isLate) {
        await this.clock.wait(pauseMs, signal);
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
        continue;
      }
      pauseMs = FIRST_PAUSE_MS;
      this.#remove(letter);
      if (result.status === "done") this.#episodes.well(SOURCE);
      else await this.#lose(`${letter.key} is given up: ${result.status}: ${result.detail}`);
    }
    signal.removeEventListener("abort", stop);
  }

  async #lose(why: string): Promise<void> {
    this.note(why);
    if (this.#episodes.wrong(SOURCE, 1)) await this.posting.fault(why).catch(() => undefined);
  }

  /** It may be gone already: the oldest go where too many wait. */
  #remove(letter: Letter): void {
    const letters = this.#contents.letters.filter((one) => one !== letter);
    this.#replace({ ...this.#contents, letters });
  }

  #replace(contents: Contents): void {
    this.#contents = contents;
    const partial = `${this.path}.partial`;
    try {
      rmSync(partial, { force: true });
      writeFileSync(partial, JSON.stringify(contents), { mode: 0o600, flush: true });
      renameSync(partial, this.path);
    } catch (error) {
      // They are sent all the same, unless the host ends first.
      this.note(`${this.path} cannot be written: ${(error as Error).message}`);
    }
  }

  #read(): Contents {
    try {
      return fileSchema.parse(JSON.parse(readFileSync(this.path, "utf8")));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
        const aside = `${this.path}.unreadable-${Math.floor(this.clock.wallMs())}`;
        renameSync(this.path, aside);
        this.note(`the events in ${this.path} cannot be read and are not sent: see ${aside}`);
      }
      return { noted: [], letters: [] };
    }
  }
}
