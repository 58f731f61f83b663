/**
 * Computes units in child processes. Not threads, because a process can be ended in the middle of a
 * query, and one that runs out of memory does not end the others.
 *
 * Results go into the store under their keys, so the order of completion does not matter. A child
 * that dies is replaced and its unit computed again; a unit that kills two children is an error.
 */

import { onInterrupt } from "../interrupt.ts";
import type { Progress } from "../progress.ts";
import { Problem } from "../problem.ts";
import type { FromChild } from "./child.ts";
import type { Question } from "./scale.ts";
import type { Store } from "./store.ts";
import { ChildDied, UnitChild } from "./unitChild.ts";

/** How many children a unit may kill before it is given up. */
const DEATHS_AT_MOST = 2;

/** The processor time of a child when it had finished a unit. */
export interface Spent {
  readonly kind: Question["kind"];
  readonly unit: number;
  readonly child: number;
  readonly cpuMs: number;
}

export class Workers {
  /** In order of completion; tests compare the cost model with it. */
  readonly spent: Spent[] = [];
  readonly #children = new Set<UnitChild>();
  readonly #idle: UnitChild[] = [];

  constructor(
    readonly count: number,
    readonly history: string,
    readonly store: Store,
  ) {}

  /**
   * Computes all units. Afterwards their results are in the store, except those that could not be
   * stored.
   *
   * @throws Problem when a unit fails, or kills its child twice
   */
  async work(question: Question, progress: Progress): Promise<void> {
    const waiting = [...question.units.keys()].reverse();
    const total = waiting.length;
    const deaths = new Map<number, number>();
    let done = 0;
    const lane = async (): Promise<void> => {
      let child = this.#idle.pop() ?? this.#start();
      for (let unit = waiting.pop(); unit !== undefined; unit = waiting.pop()) {
        try {
          this.#note(await child.run(question, unit), question.kind, child.pid);
          progress.update(++done, total, WHAT[question.kind]);
        } catch (error) {
          if (!(error instanceof ChildDied)) throw error;
          const count = (deaths.get(unit) ?? 0) + 1;
          deaths.set(unit, count);
          if (count >= DEATHS_AT_MOST) throw endedTwice(question, unit, error);
          waiting.push(unit);
          child = this.#start();
        }
      }
      this.#idle.push(child);
    };
    const forget = onInterrupt(() => {
      this.end();
    });
    try {
      await Promise.all(Array.from({ length: Math.min(this.count, total) }, lane));
    } catch (error) {
      this.end();
      throw error;
    } finally {
      forget();
      for (const child of this.#children) child.rest();
    }
  }

  /** Ends all children at once, and deletes their unfinished packs. */
  end(): void {
    for (const child of this.#children) {
      child.kill();
      this.store.sweepUp(child.pid);
    }
    this.#children.clear();
    this.#idle.length = 0;
  }

  #note(answer: FromChild, kind: Question["kind"], child: number): void {
    if (answer.kind === "failed") throw failureOf(answer);
    this.spent.push({ kind, unit: answer.unit, child, cpuMs: answer.cpuMs });
    if (answer.full === null) this.store.use.made++;
    else this.store.use.full ??= answer.full;
  }

  #start(): UnitChild {
    const options = { history: this.history, store: this.store.dir };
    const child = new UnitChild(options, (gone) => {
      this.#children.delete(gone);
      this.store.sweepUp(gone.pid);
    });
    this.#children.add(child);
    return child;
  }
}

/** The failure of a child as an error of this process. */
export function failureOf({
  isProblem,
  message,
}: Extract<FromChild, { readonly kind: "failed" }>): Error {
  return isProblem ? new Problem(message) : new Error(message);
}

export const WHAT = { judge: "judging shards", rows: "deciding under variations" } as const;

function endedTwice(question: Question, unit: number, { message }: ChildDied): Problem {
  return new Problem(`${aboutUnit(question, unit)} ended its worker twice (${message})`, {
    cure: "It may want more memory than there is: use fewer --workers, or 1 to see what it does.",
  });
}

/** A unit in words. */
export function aboutUnit(question: Question, unit: number): string {
  if (question.kind === "judge") return `the shard of ${question.units[unit]!.about}`;
  const places = question.units[unit]!;
  return `the batch of policies ${places[0]! + 1} to ${places.at(-1)! + 1}`;
}
