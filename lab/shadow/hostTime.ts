/**
 * The host's time: the wall clock's, advanced by the steady clock, never back.
 *
 * The wall clock may be set, the steady one may drift. Small differences are followed slowly;
 * a large one is a jump, and whoever asked decides what to do about it before `reanchor`.
 * When the wall goes back the host's time waits for it, so that nothing falls due meanwhile.
 */

import type { Clock } from "./contract.ts";

/** So far the two clocks may part before it is a jump. */
export const JUMP_MS = 3000;
/** A clock is followed by half a per cent: a window of two minutes is off by 0.6 s at most. */
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

  /** Not earlier than anything that was told. */
  get nowMs(): number {
    return Math.max(this.#lastMs, Math.floor(this.#steadyTimeMs()));
  }

  /** A moment for the next thing that happens, later than every one before. */
  stamp(): number {
    this.#lastMs = Math.max(Math.floor(this.#lastMs) + 1, Math.floor(this.#steadyTimeMs()));
    return this.#lastMs;
  }

  /** A timer of that moment was told. */
  told(atMs: number): void {
    this.#lastMs = Math.max(this.#lastMs, atMs);
  }

  /** How far the wall is ahead of the steady time; the small part of it is followed. */
  follow(): number {
    const passedMs = this.clock.steadyMs() - this.#anchorSteadyMs;
    const offMs = this.clock.wallMs() - this.#steadyTimeMs();
    if (Math.abs(offMs) >= JUMP_MS) return offMs;
    const stepMs = Math.max(-FOLLOW_SHARE * passedMs, Math.min(FOLLOW_SHARE * passedMs, offMs));
    this.#anchorMs += passedMs + stepMs;
    this.#anchorSteadyMs += passedMs;
    return offMs;
  }

  /** Believes the wall again. */
  reanchor(): void {
    this.#anchorMs = this.clock.wallMs();
    this.#anchorSteadyMs = this.clock.steadyMs();
  }

  /** Until the next whole multiple: a host that restarts keeps step with the one before. */
  untilNext(everyMs: number): number {
    return everyMs - (Math.floor(this.#steadyTimeMs()) % everyMs);
  }

  /** How long time waits for a wall that went back; 0 when it does not. */
  get waitsMs(): number {
    return Math.max(0, this.#lastMs - this.#steadyTimeMs());
  }

  #steadyTimeMs(): number {
    return this.#anchorMs + this.clock.steadyMs() - this.#anchorSteadyMs;
  }
}
