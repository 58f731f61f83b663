/**
 * Computes units of questions, one at a time, in a child process. It keeps the history open, and
 * the plan and shared data of the last question.
 */

import { silent } from "../progress.ts";
import { openHistory, type History } from "../history/open.ts";
import { planReplay, type Plan } from "../replay/plan.ts";
import { shardsOf, workJudge } from "./judge.ts";
import { deciderOf, writeRows, type Decider } from "./rows.ts";
import type { Question } from "./scale.ts";
import type { Shard } from "./shards.ts";
import type { Store } from "./store.ts";

interface Prepared {
  readonly question: Question;
  readonly plan: Plan;
  /** Empty unless the question is about judging. */
  readonly shards: readonly Shard[];
  /** Null unless the question is about deciding. */
  readonly decide: Decider | null;
}

export class UnitRunner {
  #prepared: Promise<Prepared> | null = null;
  #question: Question | null = null;

  private constructor(
    readonly history: History,
    readonly store: Store,
  ) {}

  static async open(dir: string, store: Store): Promise<UnitRunner> {
    return new UnitRunner(await openHistory(dir, { threads: 1 }), store);
  }

  /** Computes one unit and stores it. @returns false where it could not be stored */
  async run(question: Question, unit: number): Promise<boolean> {
    if (this.#question !== question) {
      this.#question = question;
      this.#prepared = this.#prepare(question);
    }
    const { plan, shards, decide } = await this.#prepared!;
    if (question.kind === "judge") {
      return workJudge(this.history, plan, shards, question, question.units[unit]!, this.store);
    }
    return writeRows(this.store, question, await decide!(question.units[unit]!));
  }

  close(): void {
    this.history.close();
  }

  async #prepare(question: Question): Promise<Prepared> {
    const { leaders, basis, shardWindows } = question;
    if (question.kind === "judge") {
      const lookBackAtMostMs = question.lookBackAtMostMs ?? undefined;
      const plan = await planReplay(this.history, leaders, lookBackAtMostMs);
      return { question, plan, shards: shardsOf(question, plan), decide: null };
    }
    const plan = await planReplay(this.history, leaders);
    const decide = await deciderOf(this.history, plan, question, {
      basis,
      shardWindows,
      store: this.store,
      work: null,
      lookBackAtMostMs: null,
      futures: null,
      digests: false,
      judged: null,
      glances: true,
      progress: silent,
    });
    return { question, plan, shards: [], decide };
  }
}
