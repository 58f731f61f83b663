/**
 * The protection rules of GitHub that wait for an answer, in a file beside the journal: GitHub asks
 * once, and a restart must not forget it. Rules that were answered stay in it for a day, so that a
 * delivery that comes again asks nothing twice. A rule that was given up does not: Redeliver at
 * GitHub asks it again.
 */

import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { Refusal } from "../../../server/problems.ts";

const questionSchema = z.object({
  /** Callback URL, environment and deployment: a workflow that runs again asks again. */
  key: z.string(),
  callback: z.string(),
  environment: z.string(),
  service: z.string(),
  sha: z.string(),
  installation: z.number(),
  askedAtMs: z.number(),
  /** What people were told last, and how often they were told something. */
  told: z.string().nullable(),
  comments: z.number(),
  /** Null, and absent in files of older versions: it waits. */
  answered: z
    .object({ state: z.enum(["approved", "rejected"]), atMs: z.number() })
    .nullable()
    .default(null),
});
export type Question = z.output<typeof questionSchema>;

const AT_MOST = 1000;
const DAY_MS = 24 * 3_600_000;

export class Questions {
  readonly #asked = new Map<string, Question>();
  readonly #faults: string[] = [];

  constructor(
    private readonly path: string,
    private readonly nowMs: () => number,
  ) {
    for (const question of this.#read()) this.#asked.set(question.key, question);
    // The next start must not find the same faults again.
    if (this.#faults.length > 0) this.#write();
  }

  /** What could not be read, one sentence each: a person must know that these rules wait. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  /** Those that wait. */
  get open(): readonly Question[] {
    return [...this.#asked.values()].filter(({ answered }) => answered === null);
  }

  /** The question of this key, whether it waits or was answered within a day. */
  known(key: string): Question | null {
    return this.#asked.get(key) ?? null;
  }

  add(question: Question): void {
    if (this.open.length >= AT_MOST) {
      throw new Refusal("too-many-requests", `${AT_MOST} protection rules wait already.`);
    }
    this.replace(question);
  }

  replace(question: Question): void {
    this.#asked.set(question.key, question);
    this.#write();
  }

  answer(question: Question, state: "approved" | "rejected"): void {
    this.replace({ ...question, answered: { state, atMs: this.nowMs() } });
  }

  remove({ key }: Question): void {
    this.#asked.delete(key);
    this.#write();
  }

  #write(): void {
    const fromMs = this.nowMs() - DAY_MS;
    for (const [key, { answered }] of this.#asked) {
      if (answered !== null && answered.atMs < fromMs) this.#asked.delete(key);
    }
    const partial = `${this.path}.partial`;
    rmSync(partial, { force: true });
    const rows = [...this.#asked.values()];
    writeFileSync(partial, JSON.stringify(rows), { mode: 0o600, flush: true });
    renameSync(partial, this.path);
  }

  /** Reads row by row: what cannot be read is set aside with its reason, and the rest counts. */
  #read(): readonly Question[] {
    let rows: unknown;
    try {
      rows = JSON.parse(readFileSync(this.path, "utf8")) as unknown;
      if (!Array.isArray(rows)) throw new Error("it is no list");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      // The next question is written to the old path, and must not replace what a person can mend.
      const aside = `${this.path}.unreadable-${Math.floor(this.nowMs())}`;
      renameSync(this.path, aside);
      this.#faults.push(`it cannot be read (${(error as Error).message}) and is now ${aside}`);
      return [];
    }
    const aside = `${this.path}.aside`;
    const read: Question[] = [];
    for (const [at, row] of (rows as readonly unknown[]).entries()) {
      const { success, data, error } = questionSchema.safeParse(row);
      if (success) read.push(data);
      else {
        const [{ path, message }] = error.issues as [z.core.$ZodIssue];
        const why = `row ${at + 1}: ${[...path.map(String), message].join(": ")}`;
        appendFileSync(aside, `${JSON.stringify({ why, row })}\n`, { mode: 0o600, flush: true });
        this.#faults.push(`${why}; it is now in ${aside}`);
      }
    }
    return read;
  }
}
