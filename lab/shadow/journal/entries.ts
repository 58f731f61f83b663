/** The log entries of one input: the input itself, and the events and records it led to. */

import type {
  ContextPrepared,
  Event,
  Handled,
  LogEntry,
  SamplesBatch,
} from "../../../engine/index.ts";

/**
 * In the order of handling: samples and prepared context stand before the judgements made of them,
 * every other input after the judgements that were due before it.
 *
 * Unlike the log of a replay, the journal has every `clockAdvanced`, also one that changed nothing:
 * it must contain all inputs, so that the same inputs give the same lines again.
 *
 * @param batch the written samples of a `samplesTaken`; null for every other input
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

/** For the log: a season's slot without a known value (NaN in the engine) becomes null. */
function finiteOrNull(value: number | null): number | null {
  return Number.isFinite(value) ? value : null;
}

/** The reverse: null becomes NaN again. */
export function fromLog(event: ContextPrepared): ContextPrepared {
  return withSlots(event, (value) => value ?? Number.NaN);
}

function withSlots(
  event: ContextPrepared,
  slot: (value: number | null) => number | null,
): ContextPrepared {
  const seasons = [...event.context.seasons].map(([series, season]) => {
    const values = (season.values as readonly (number | null)[]).map(slot) as number[];
    return [series, { ...season, values }] as const;
  });
  return { ...event, context: { ...event.context, seasons: new Map(seasons) } };
}
