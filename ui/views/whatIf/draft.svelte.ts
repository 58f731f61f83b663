/**
 * The change a reader is making: a base policy and values for some of its keys. While a
 * control is dragged quick answers follow it; when the hand is still the exact one comes
 * and the address takes the change up.
 */

import type { PolicyDetail, Knob } from "../../../lab/server/contract/policies.ts";
import type { StretchAsked } from "../../../lab/server/contract/scored.ts";
import type { WhatIf, WhatIfRequest } from "../../../lab/server/contract/whatIf.ts";
import type { ProgressDocument } from "../../../lab/server/contract/words.ts";
import { ask } from "../../data/client.ts";
import type { ApiProblem } from "../../data/problem.ts";
import { Resource } from "../../data/resource.svelte.ts";
import { address } from "../../shell/address.svelte.ts";
import { Curve } from "./curve.svelte.ts";

const STILL_MS = 350;
/** In the address a key that is taken away is written like this. */
const GONE = "(none)";

type Value = string | null;

interface Answered {
  /** Which turn of a control it answers. */
  readonly turn: number;
  readonly whatIf: WhatIf;
}

export class Draft {
  readonly base: string;
  /** What is scored; another one is another draft. */
  readonly #stretch: StretchAsked;
  readonly detail = new Resource<PolicyDetail>();
  readonly #quick = new Resource<Answered>();
  /** Apart, so that no drag ever waits for it; a turn of a control makes it out of date. */
  readonly #exact = new Resource<Answered>();
  readonly curve = new Curve();
  /** The server drops what this page no longer waits for. */
  readonly #asker = `page-${Math.round(performance.timeOrigin * 1000)}`;
  /** How long the last quick answer took, in milliseconds. */
  tookMs = $state<number | null>(null);
  #turn = $state(0);
  #values = $state.raw<ReadonlyMap<string, Value>>(new Map());
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(base: string, stretch: StretchAsked) {
    this.base = base;
    this.#stretch = stretch;
    this.#values = readAddress();
    this.detail.ask((waiting) => ask("policy", { params: { id: base } }, waiting));
    this.#askQuick();
    this.#askExact();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.detail.stop();
    this.#quick.stop();
    this.#exact.stop();
    this.curve.stop();
  }

  /** The last exact answer, also where it is of an earlier turn; null: there is none yet. */
  get lastExact(): WhatIf | null {
    return this.#exact.value?.whatIf ?? null;
  }

  /** The best there is: exact where that is of the latest turn, the latest quick one else. */
  get answer(): WhatIf | null {
    const [exact, quick] = [this.#exact.value, this.#quick.value];
    const isLatest = exact !== null && (exact.turn === this.#turn || quick === null);
    return (isLatest ? exact : quick)?.whatIf ?? null;
  }

  /** Is what is shown all that there is to say? */
  get isSettled(): boolean {
    return this.#exact.value?.turn === this.#turn;
  }

  get problem(): ApiProblem | null {
    return this.#quick.problem ?? this.#exact.problem;
  }

  /** After a problem. */
  again(): void {
    this.#askQuick();
    this.#askExact();
  }

  get progress(): ProgressDocument | null {
    return this.#quick.progress ?? this.#exact.progress;
  }

  get isChanged(): boolean {
    return this.#values.size > 0;
  }

  valueOf(knob: Knob): Value {
    const changed = this.#values.get(knob.path);
    return changed === undefined ? knob.value : changed;
  }

  isOther(knob: Knob): boolean {
    return this.#values.has(knob.path);
  }

  turn(knob: Knob, value: Value): void {
    if (value === this.valueOf(knob)) return;
    const next = new Map(this.#values);
    if (value === knob.value) next.delete(knob.path);
    else next.set(knob.path, value);
    this.curve.turn(knob);
    this.#change(next);
  }

  reset(): void {
    this.#change(new Map());
  }

  /** The change as routes take it. */
  get request(): WhatIfRequest {
    const changes = [...this.#values].map(([path, value]) => ({ path, value }));
    return { base: this.base, changes, ...this.#stretch };
  }

  #change(next: ReadonlyMap<string, Value>): void {
    this.#values = next;
    this.#turn += 1;
    this.#exact.stop();
    this.curve.stop();
    this.#askQuick();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const set = [...next].map(([path, value]) => `${path}=${value ?? GONE}`);
      address.change({ set });
      this.#askExact();
      this.curve.ask(this.request);
    }, STILL_MS);
  }

  #askQuick(): void {
    const body = { ...this.request, precision: "quick" as const };
    const turn = this.#turn;
    this.#quick.askLatest(async (waiting) => {
      const startedMs = performance.now();
      const whatIf = await ask("whatIf", { body }, waiting);
      this.tookMs = performance.now() - startedMs;
      return { turn, whatIf };
    });
  }

  #askExact(): void {
    const body = { ...this.request, precision: "exact" as const, asker: this.#asker };
    const turn = this.#turn;
    this.#exact.ask(async (waiting) => ({ turn, whatIf: await ask("whatIf", { body }, waiting) }));
  }
}

function readAddress(): ReadonlyMap<string, Value> {
  return new Map(
    address.all("set").flatMap((text): [string, Value][] => {
      const equals = text.indexOf("=");
      if (equals < 1) return [];
      const value = text.slice(equals + 1);
      return [[text.slice(0, equals), value === GONE ? null : value]];
    }),
  );
}
