/**
 * Compares the wall clock with the steady clock and pages when the wall clock jumps. After a jump
 * forward the host halts all machines before it adopts the new time, so that no override window
 * runs out because of the jump; it lifts the halt once the clocks have agreed for a minute. After
 * a jump backward the host's time stands still until the wall clock catches up.
 */

import { formatDuration, type ControllerState } from "../../engine/index.ts";
import type { HostInput } from "./contract.ts";
import { JUMP_MS, type HostTime } from "./hostTime.ts";
import { NOW } from "./hostInput.ts";

/** Marks the halts ordered here: only these are lifted here, never one that a person ordered. */
const BY = "the live host, for its clock";
const STEADY_FOR_MS = 60_000;
const CONSEQUENCE = "questions are left to people until the clocks agree again";

export class ClockWatch {
  #agreesSinceMs: number;

  constructor(
    private readonly time: HostTime,
    private readonly steadyMs: () => number,
    private readonly tell: (input: HostInput) => void,
  ) {
    this.#agreesSinceMs = steadyMs();
  }

  /** Call once at the start: pages when the journal is ahead of the wall clock. */
  begin(): void {
    const { waitsMs } = this.time;
    if (waitsMs < JUMP_MS) return;
    this.#fault(
      `the wall clock is ${formatDuration(Math.round(waitsMs))} behind the journal: time waits`,
    );
  }

  /** Call on every turn of the loop. */
  look(state: () => ControllerState): void {
    const offMs = this.time.follow();
    if (Math.abs(offMs) >= JUMP_MS) {
      const by = formatDuration(Math.abs(Math.round(offMs)));
      if (offMs < 0) this.#fault(`the wall clock went back by ${by}: time waits for it`);
      else {
        const reason = `the wall clock went forward by ${by}`;
        this.#fault(`${reason}; ${CONSEQUENCE}`);
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
