/**
 * Holds the wall clock against the steady one. A jump pages. Forward, time is only believed
 * under a halt, so that no window runs out by it; the halt is lifted when the clocks agreed for
 * a while. Backward, time waits.
 */

import { formatDuration, type ControllerState } from "../../engine/index.ts";
import type { Told } from "./contract.ts";
import { JUMP_MS, type HostTime } from "./hostTime.ts";
import { NOW } from "./told.ts";

/** Who halts and lifts: nobody else's halt is touched. */
const BY = "the live host, for its clock";
const STEADY_FOR_MS = 60_000;
/** The end of a jump's sentence. */
const LEFT = "questions are left to people until the clocks agree again";

export class ClockWatch {
  #agreesSinceMs: number;

  constructor(
    private readonly time: HostTime,
    private readonly steadyMs: () => number,
    private readonly tell: (told: Told) => void,
  ) {
    this.#agreesSinceMs = steadyMs();
  }

  /** At the start: a journal that is ahead of the wall. */
  begin(): void {
    const { waitsMs } = this.time;
    if (waitsMs < JUMP_MS) return;
    this.#fault(
      `the wall clock is ${formatDuration(Math.round(waitsMs))} behind the journal: time waits`,
    );
  }

  look(state: () => ControllerState): void {
    const offMs = this.time.follow();
    if (Math.abs(offMs) >= JUMP_MS) {
      const by = formatDuration(Math.abs(Math.round(offMs)));
      if (offMs < 0) this.#fault(`the wall clock went back by ${by}: time waits for it`);
      else {
        const reason = `the wall clock went forward by ${by}`;
        this.#fault(`${reason}; ${LEFT}`);
        const { halted } = state().fleet;
        if (halted === null) this.tell({ kind: "haltOrdered", atMs: NOW, by: BY, reason });
      }
      this.time.reanchor();
      this.#agreesSinceMs = this.steadyMs();
    }
    if (this.steadyMs() < this.#agreesSinceMs + STEADY_FOR_MS) return;
    if (state().fleet.halted?.by !== BY) return;
    const reason = `the clocks agreed for ${formatDuration(STEADY_FOR_MS)}`;
    this.tell({ kind: "haltLifted", atMs: NOW, by: BY, reason });
  }

  #fault(reason: string): void {
    this.tell({ kind: "faultReported", atMs: NOW, source: "clock", reason });
  }
}
