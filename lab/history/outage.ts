/**
 * A history in which the API of the metrics was down for a while after each deployment started:
 * what would each policy have done then? Nothing is written: samples change as they are read.
 *
 * No sample is lost. The live host reads them when the API is there again, so a detector knows them
 * late. An incumbent asks for the present, and what it asks in that time fails.
 */

import { formatDuration, type Policy } from "../../engine/index.ts";
import type { Block } from "./blocks.ts";
import type { Past } from "./open.ts";
import { firstSampleFrom, sampleAtMs, type FoundWindow, type StoredWindow } from "./windows.ts";

export interface Outage {
  readonly forMs: number;
  /** It begins so long after the start of each deployment. */
  readonly afterMs: number;
}

/** As a manifest has it. */
export interface OutageText {
  readonly for: string;
  readonly after: string;
}

export function outageText({ forMs, afterMs }: Outage): OutageText {
  return { for: formatDuration(forMs), after: formatDuration(afterMs) };
}

export function outageNote(outage: Outage): string {
  const { for: lasts, after } = outageText(outage);
  return (
    `An outage was added: for ${lasts}, from ${after} after each deployment on, the metrics of ` +
    "its service could not be asked for."
  );
}

/** Times in ascending order, apart from each other; `toMs` is exclusive. */
interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Only the deployed service: outages of the fleet would add up to most of a day. */
export function withOutage(past: Past, outage: Outage): Past {
  const stretches = stretchesBy(past, outage);
  return {
    ...past,
    windows: async function* (requests, memory) {
      const serviceOf = new Map(
        requests.map(({ id, series }) => [id, past.series[series]!.service]),
      );
      for await (const found of past.windows(requests, memory)) {
        yield found.map((one): FoundWindow => {
          const out = stretches.get(serviceOf.get(one.id)!);
          return out === undefined ? one : { ...one, window: withLateSamples(one.window, out) };
        });
      }
    },
  };
}

/** The policies as they are asked in such a time: what an incumbent asks then fails. */
export function policiesIn(policies: readonly Policy[], outage: Outage): readonly Policy[] {
  return policies.map((policy) =>
    policy.incumbent === undefined
      ? policy
      : { ...policy, incumbent: { ...policy.incumbent, outage } },
  );
}

/** By service. */
function stretchesBy({ tables }: Past, { forMs, afterMs }: Outage): Map<string, Stretch[]> {
  const by = new Map<string, Stretch[]>();
  const starts = [...tables.deployments].map(({ service, startedAtMs }) => ({
    service,
    fromMs: startedAtMs + afterMs,
  }));
  for (const { service, fromMs } of starts.sort((a, b) => a.fromMs - b.fromMs)) {
    const toMs = fromMs + forMs;
    const own = by.get(service);
    const last = own?.at(-1);
    if (own === undefined) by.set(service, [{ fromMs, toMs }]);
    else if (last!.toMs < fromMs) own.push({ fromMs, toMs });
    else own[own.length - 1] = { fromMs: last!.fromMs, toMs };
  }
  return by;
}

function withLateSamples(window: StoredWindow, out: readonly Stretch[]): StoredWindow {
  const slices = window.slices.map((slice) => {
    const block = blockWithLate(slice.block, slice.from, slice.to, out);
    return block === slice.block ? slice : { ...slice, block };
  });
  return { ...window, slices };
}

/** A copy, because other windows share the block; the block itself where no outage touches it. */
function blockWithLate(block: Block, first: number, last: number, out: readonly Stretch[]): Block {
  let delays: Int32Array | null = null;
  for (const { fromMs, toMs } of out) {
    const to = Math.min(last, firstSampleFrom(block, toMs));
    // A sample from before the outage may have been on its way.
    for (let i = to - 1; i >= first; i--) {
      const atMs = sampleAtMs(block, i);
      const delayMs = delayOf(block, i);
      if (atMs + delayMs < fromMs) break;
      if (atMs + delayMs >= toMs) continue;
      delays ??= Int32Array.from(block.values, (_, at) => delayOf(block, at));
      delays[i] = toMs - atMs;
    }
  }
  return delays === null ? block : { ...block, knownDelayMs: delays };
}

function delayOf({ knownDelayMs }: Block, i: number): number {
  return typeof knownDelayMs === "number" ? knownDelayMs : knownDelayMs[i]!;
}
