/**
 * What stretch of time all panes and lanes show, and where the reader points. One of it
 * for a deployment: whatever moves, moves everything.
 */

import type { Range } from "../../data/columns.ts";
import { isoText } from "../../format/time.ts";
import { address } from "../../shell/address.svelte.ts";

const LEAST_MS = 60_000;
/** The address follows when the hand is still. */
const SETTLED_MS = 250;

export class TimeView {
  fromMs = $state(0);
  toMs = $state(1);
  /** Where the reader points; null: nowhere. */
  cursorMs = $state<number | null>(null);
  readonly #home: Range;
  readonly #limits: Range;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param home what is worth showing
   * @param limits beyond which there is nothing
   */
  constructor(home: Range, limits: Range) {
    this.#home = home;
    this.#limits = {
      fromMs: Math.min(home.fromMs, limits.fromMs),
      toMs: Math.max(home.toMs, limits.toMs),
    };
    const told = (name: string): number => Date.parse(address.one(name) ?? "");
    const [fromMs, toMs] = [told("from"), told("to")];
    const isTold = Number.isFinite(fromMs) && Number.isFinite(toMs) && toMs > fromMs;
    this.#set(isTold ? { fromMs, toMs } : home);
  }

  get range(): Range {
    return { fromMs: this.fromMs, toMs: this.toMs };
  }

  get isHome(): boolean {
    return this.fromMs === this.#home.fromMs && this.toMs === this.#home.toMs;
  }

  show(range: Range): void {
    if (!this.#set(range)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const [from, to] = [isoText(this.fromMs), isoText(this.toMs)];
      address.change(this.isHome ? { from: null, to: null } : { from, to });
    }, SETTLED_MS);
  }

  home(): void {
    this.show(this.#home);
  }

  /** By a share of what is shown; negative: to the past. */
  pan(share: number): void {
    const by = (this.toMs - this.fromMs) * share;
    const room =
      by < 0
        ? Math.max(by, this.#limits.fromMs - this.fromMs)
        : Math.min(by, this.#limits.toMs - this.toMs);
    this.show({ fromMs: this.fromMs + room, toMs: this.toMs + room });
  }

  /** Below one shows less, above one more; `aboutMs` keeps its place. */
  zoom(times: number, aboutMs = (this.fromMs + this.toMs) / 2): void {
    this.show({
      fromMs: aboutMs - (aboutMs - this.fromMs) * times,
      toMs: aboutMs + (this.toMs - aboutMs) * times,
    });
  }

  /** Of one that is no longer looked at. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Did anything change? */
  #set({ fromMs, toMs }: Range): boolean {
    const middle = (fromMs + toMs) / 2;
    const half = Math.max(LEAST_MS, toMs - fromMs) / 2;
    const from = Math.max(this.#limits.fromMs, middle - half);
    const to = Math.min(this.#limits.toMs, middle + half);
    if (to - from < LEAST_MS || (from === this.fromMs && to === this.toMs)) return false;
    this.fromMs = from;
    this.toMs = to;
    return true;
  }
}
