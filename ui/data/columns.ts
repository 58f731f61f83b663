/** Samples and bands as columns, out of Arrow IPC. */

import { tableFromIPC, type Table } from "apache-arrow";
import type { BandColumns, SeriesColumns } from "../../lab/server/contract/series.ts";
import { askBytes, type Waiting } from "./client.ts";

export interface Samples extends SeriesColumns {
  /** How many are stored in the range; more than there are here when `decimated`. */
  readonly samples: number;
  readonly decimated: boolean;
}

export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

export async function readSamples(
  series: number,
  { fromMs, toMs }: Range,
  pixels: number,
  waiting: Waiting,
): Promise<Samples> {
  const query = {
    from: new Date(Math.floor(fromMs)).toISOString(),
    to: new Date(Math.ceil(toMs)).toISOString(),
    pixels: Math.min(8192, Math.max(1, Math.round(pixels))),
  };
  const table = tableFromIPC(await askBytes("series", { params: { series }, query }, waiting));
  const told = table.schema.metadata;
  return {
    at: column(table, "at"),
    value: column(table, "value"),
    samples: Number(told.get("samples") ?? 0),
    decimated: told.get("decimated") === "true",
  };
}

export async function readBands(
  deploymentId: string,
  watched: { readonly policy: string; readonly signal: string; readonly series: number },
  waiting: Waiting,
): Promise<BandColumns> {
  const asked = { params: { deploymentId }, query: watched };
  const table = tableFromIPC(await askBytes("bands", asked, waiting));
  return {
    at: column(table, "at"),
    expected: column(table, "expected"),
    usualLow: column(table, "usualLow"),
    usualHigh: column(table, "usualHigh"),
    toleratedLow: column(table, "toleratedLow"),
    toleratedHigh: column(table, "toleratedHigh"),
    untaggedLow: column(table, "untaggedLow"),
    untaggedHigh: column(table, "untaggedHigh"),
  };
}

function column(table: Table, name: string): Float64Array {
  const found: unknown = table.getChild(name)?.toArray();
  return found instanceof Float64Array ? found : new Float64Array(0);
}
