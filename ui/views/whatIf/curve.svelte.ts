/**
 * What a score would be at every value of the control that was turned last, all else as it is now:
 * quick answers, asked one after the other while the hand is still, the nearest values first.
 */

import type { Knob } from "../../../lab/server/contract/policies.ts";
import type { WhatIf, WhatIfRequest } from "../../../lab/server/contract/whatIf.ts";
import { ask } from "../../data/client.ts";

type Answers = ReadonlyMap<string, WhatIf["differences"]>;

export class Curve {
  knob = $state.raw<Knob | null>(null);
  /** By value of the control, as far as they are known. */
  answers = $state.raw<Answers>(new Map());
  /** What else is changed; other changes make another curve. */
  #key = "";
  #flight: AbortController | null = null;

  turn(knob: Knob): void {
    if (knob.control === "steps") this.knob = knob;
  }

  stop(): void {
    this.#flight?.abort();
    this.#flight = null;
  }

  ask({ changes = [], ...rest }: WhatIfRequest): void {
    const { knob } = this;
    if (knob === null) return;
    this.stop();
    const others = changes.filter(({ path }) => path !== knob.path);
    const now = changes.find(({ path }) => path === knob.path)?.value ?? knob.value;
    const key = JSON.stringify([knob.path, others, rest]);
    if (key !== this.#key) this.answers = new Map();
    this.#key = key;
    const flight = new AbortController();
    this.#flight = flight;
    const at = knob.values.indexOf(now ?? "");
    const away = (value: string): number => Math.abs(knob.values.indexOf(value) - at);
    const missing = knob.values.filter((value) => !this.answers.has(value));
    void this.#fly(
      missing.sort((a, b) => away(a) - away(b)),
      (value) => ({ ...rest, changes: [...others, { path: knob.path, value }] }),
      flight.signal,
    );
  }

  async #fly(
    values: readonly string[],
    bodyOf: (value: string) => WhatIfRequest,
    signal: AbortSignal,
  ): Promise<void> {
    for (const value of values) {
      try {
        const { differences } = await ask("whatIf", { body: bodyOf(value) }, { signal });
        if (signal.aborted) return;
        this.answers = new Map(this.answers).set(value, differences);
      } catch {
        // A value may be wrong together with others: then the curve has a gap there.
        if (signal.aborted) return;
      }
    }
  }
}
