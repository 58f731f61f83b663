/** Samples on which the engine throws in the watches of their service, and in no other. */

import type { TakenColumn } from "../../lab/shadow/contract.ts";
import { LIVE } from "./stage.ts";

/** Its signal names its metric by a glob, which is held against the name of every metric. */
export const BY_GLOB = {
  ...LIVE,
  signals: { latency: { ...LIVE.signals.latency, metric: "latency*" } },
};

/** The column without the name of its metric: a glob cannot be held against that. */
export function poisoned(column: TakenColumn): TakenColumn {
  return { ...column, series: { ...column.series, metric: null as never } };
}
