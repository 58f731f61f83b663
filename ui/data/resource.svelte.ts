/**
 * Something the server knows, while it is asked for, there, or refused. What was there
 * before stays until the next answer comes, so that a page never jumps.
 */

import type { ProgressDocument } from "../../lab/server/contract/words.ts";
import type { Waiting } from "./client.ts";
import { ApiProblem } from "./problem.ts";

type Request<T> = (waiting: Waiting) => Promise<T>;

/** The resources on the page that is open. */
const watched = new Set<{ again(): void }>();

/** After the server was started again: what it said before may no longer be so. */
export function askAllAgain(): void {
  for (const resource of [...watched]) resource.again();
}

export class Resource<T> {
  value = $state.raw<T | null>(null);
  problem = $state.raw<ApiProblem | null>(null);
  progress = $state.raw<ProgressDocument | null>(null);
  loading = $state(false);
  #flight: AbortController | null = null;
  #next: Request<T> | null = null;
  #last: Request<T> | null = null;

  /** Asks anew and forgets a question that is still open. */
  ask(request: Request<T>): void {
    this.#watch(request);
    this.#start(request);
  }

  /** For requests that change something: repeated only when the user asks. */
  act(request: Request<T>): void {
    this.#start(request);
  }

  /** The last question once more. */
  again(): void {
    if (this.#last !== null) this.#start(this.#last);
  }

  /** What is there belongs to another question, and must not stand under the name of this one. */
  forget(): void {
    this.value = null;
    this.problem = null;
  }

  /**
   * For what changes while it is dragged: one question at a time, and of those that came
   * up meanwhile only the latest. So answers keep coming at the server's own pace.
   */
  askLatest(request: Request<T>): void {
    this.#watch(request);
    if (this.#flight === null) void this.#fly(request);
    else this.#next = request;
  }

  /** Nobody looks any more. */
  stop(): void {
    watched.delete(this);
    this.#next = null;
    this.#flight?.abort();
    this.#flight = null;
    this.loading = false;
  }

  #watch(request: Request<T>): void {
    this.#last = request;
    watched.add(this);
  }

  #start(request: Request<T>): void {
    this.#next = null;
    this.#flight?.abort();
    void this.#fly(request);
  }

  async #fly(request: Request<T>): Promise<void> {
    const flight = new AbortController();
    const { signal } = flight;
    this.#flight = flight;
    this.loading = true;
    this.progress = null;
    try {
      const value = await request({
        signal,
        onProgress: (progress) => {
          if (!signal.aborted) this.progress = progress;
        },
      });
      if (signal.aborted) return;
      this.value = value;
      this.problem = null;
    } catch (error) {
      if (signal.aborted) return;
      this.problem = ApiProblem.from(error);
    }
    if (this.#flight !== flight) return;
    this.#flight = null;
    const next = this.#next;
    this.#next = null;
    if (next === null) this.loading = false;
    else void this.#fly(next);
  }
}
