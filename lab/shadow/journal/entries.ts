/** What the journal says of one input: the input itself, and what was made of it. */

import type { Event, Handled, LogEntry, SamplesBatch } from "../../../engine/index.ts";

/**
 * In the order of handling: samples and prepared context come before the judgements that are
 * made of them, everything else after those that were due before it.
 *
 * Unlike the log of a replay it has every clock that was told: the same inputs in the same
 * order give the same lines, whatever became of them.
 *
 * @param batch of `samplesTaken`, and of nothing else
 */
export function entriesOf(
  input: Event,
  handled: readonly Handled[],
  batch: SamplesBatch | null,
): LogEntry[] {
  const entries: LogEntry[] = [];
  if (batch !== null) entries.push({ kind: "samples", content: batch });
  if (input.kind === "contextPrepared") entries.push({ kind: "event", content: input });
  for (const { event, records } of handled) {
    entries.push({ kind: "event", content: event });
    for (const record of records) entries.push({ kind: "record", content: record });
  }
  return entries;
}
