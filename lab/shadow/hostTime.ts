/**
 * The host's time: read once from the wall clock, then advanced by the steady clock. It never goes
 * back.
 *
 * Somebody may set the wall clock, and the steady clock may drift. A small difference between them
 * is corrected slowly. A large one is a jump: the caller decides what to do about it and then
 * calls `reanchor`. After a jump backward the host's time stands still until the wall clock has
 * caught up, so nothing falls due meanwhile.
 */

import type { Clock } from "./contract.ts";

/** From this difference of the two clocks on it is a jump. */
export const JUMP_MS = 3000;
/** The fastest correction, per time passed: it changes a window of two minutes by at most 0.6 s. */
const FOLLOW_SHARE = 0.005;

export class HostTime {
  #anchorMs: number;
  #anchorSteadyMs: number;
  #lastMs: number;

  /** @param lastMs the newest moment of the journal */
  constructor(
    private readonly clock: Clock,
    lastMs: number,
  ) {
    this.#anchorMs = clock.wallMs();
    this.#anchorSteadyMs = clock.steadyMs();
    this.#lastMs = lastMs;
  }

  /** Milliseconds since 1970; never earlier than anything that was stamped or handled. */
  get nowMs(): number {
    return Math.max(this.#lastMs, Math.floor(this.#steadyTimeMs()));
  }

  /** The time for the next event: a whole millisecond, later than every stamp before. */
  stamp(): number {
    this.#lastMs = Math.max(Math.floor(this.#lastMs) + 1, Math.floor(this.#steadyTimeMs()));
    return this.#lastMs;
  }

  /** A timer was handled at that time: nothing may be stamped earlier. */
  passed(atMs: number): void {
    this.#lastMs = Math.max(this.#lastMs, atMs);
  }

  /**
   * Corrects a small difference between the clocks.
   *
   * @returns how many milliseconds the wall clock is ahead of the host's time
   */
  follow(): number {
    const passedMs = this.clock.steadyMs() - this.#anchorSteadyMs;
    const offMs = this.clock.wallMs() - this.#steadyTimeMs();
    if (Math.abs(offMs) >= JUMP_MS) return offMs;
    const stepMs = Math.max(-FOLLOW_SHARE * passedMs, Math.min(FOLLOW_SHARE * passedMs, offMs));
    this.#anchorMs += passedMs + stepMs;
    this.#anchorSteadyMs += passedMs;
    return offMs;
  }

  /** Adopts the time of the wall clock. */
  reanchor(): void {
    this.#anchorMs = this.clock.wallMs();
    this.#anchorSteadyMs = this.clock.steadyMs();
  }

  /** Milliseconds until the next multiple of `everyMs`: a restarted host keeps the same rhythm. */
  untilNext(everyMs: number): number {
    return everyMs - (Math.floor(this.#steadyTimeMs()) % everyMs);
  }

  /** How far the host's time is ahead of a wall clock that was set back, in ms; else 0. */
  get waitsMs(): number {
    return Math.max(0, this.#lastMs - this.#steadyTimeMs());
  }

  #steadyTimeMs(): number {
    return this.#anchorMs + this.clock.steadyMs() - this.#anchorSteadyMs;
  }
}
