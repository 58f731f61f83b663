/**
 * The protection rules of GitHub that wait for an answer, in a file beside the journal: GitHub asks
 * once, and a restart must not forget it.
 */

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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
});
export type Question = z.output<typeof questionSchema>;

const AT_MOST = 1000;

export class Questions {
  readonly #open = new Map<string, Question>();

  /** @param path a file that cannot be read is an empty one: GitHub can be told to ask again */
  constructor(private readonly path: string) {
    for (const question of readQuestions(path)) this.#open.set(question.key, question);
  }

  get all(): readonly Question[] {
    return [...this.#open.values()];
  }

  add(question: Question): void {
    if (this.#open.has(question.key)) return;
    if (this.#open.size >= AT_MOST) {
      throw new Refusal("too-many-requests", `${AT_MOST} protection rules wait already.`);
    }
    this.#open.set(question.key, question);
    this.#write();
  }

  replace(question: Question): void {
    this.#open.set(question.key, question);
    this.#write();
  }

  remove({ key }: Question): void {
    this.#open.delete(key);
    this.#write();
  }

  #write(): void {
    const partial = `${this.path}.partial`;
    rmSync(partial, { force: true });
    writeFileSync(partial, JSON.stringify(this.all), { mode: 0o600, flush: true });
    renameSync(partial, this.path);
  }
}

function readQuestions(path: string): readonly Question[] {
  try {
    const parsed = z.array(questionSchema).safeParse(JSON.parse(readFileSync(path, "utf8")));
    return parsed.success ? parsed.data : [];
  } catch {
    return [];
  }
}
