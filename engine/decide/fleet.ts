/** What concerns the fleet as a whole: the halt that stops every machine, and its lifting. */

import type { HaltLifted, HaltOrdered } from "../event.ts";
import { writeFleetRecord, type Turn } from "./recorder.ts";
import { notify } from "./tell.ts";

/** No machine acts from here on, until somebody lifts it. A second halt replaces the first. */
export function halt(turn: Turn, { by, reason, knownAtMs }: HaltOrdered): void {
  const before = turn.fleet.halted === null ? "running" : "halted";
  turn.fleet = { ...turn.fleet, halted: { by, reason } };
  const record = writeFleetRecord(turn, before, "halted", {
    decision: "halted",
    nowMs: knownAtMs,
    reason: `all machines were halted by ${by}: ${reason}`,
    authority: by,
  });
  notify(turn, record);
}

export function liftHalt(turn: Turn, { by, reason, knownAtMs }: HaltLifted): void {
  const halted = turn.fleet.halted !== null;
  turn.fleet = { ...turn.fleet, halted: null };
  const record = writeFleetRecord(turn, halted ? "halted" : "running", "running", {
    decision: halted ? "haltLifted" : "refused",
    nowMs: knownAtMs,
    reason: halted ? `the halt was lifted by ${by}: ${reason}` : `no halt for ${by} to lift`,
    authority: by,
  });
  if (halted) notify(turn, record);
}
