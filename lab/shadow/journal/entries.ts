/** What the journal says of one input: the input itself, and what was made of it. */

import type {
  ContextPrepared,
  Event,
  Handled,
  LogEntry,
  SamplesBatch,
} from "../../../engine/index.ts";

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
  if (input.kind === "contextPrepared") {
    entries.push({ kind: "event", content: withSlots(input, (value) => finiteOrNull(value)) });
  }
  for (const { event, records } of handled) {
    entries.push({ kind: "event", content: event });
    for (const record of records) entries.push({ kind: "record", content: record });
  }
  return entries;
}

/** As the log has it: a slot of a season that nothing is known of is null. */
function finiteOrNull(value: number | null): number | null {
  return Number.isFinite(value) ? value : null;
}

/** And as the engine has it. */
export function fromLog(event: ContextPrepared): ContextPrepared {
  return withSlots(event, (value) => value ?? Number.NaN);
}

function withSlots(
  event: ContextPrepared,
  slot: (value: number | null) => number | null,
): ContextPrepared {
  const seasons = Object.entries(event.context.seasons).map(([series, season]) => {
    const values = (season.values as readonly (number | null)[]).map(slot) as number[];
    return [series, { ...season, values }] as const;
  });
  return { ...event, context: { ...event.context, seasons: Object.fromEntries(seasons) } };
}
