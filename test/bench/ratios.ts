/** Ratios of one run: shown, kept in a file, and held against what was kept. */

import { readFileSync, writeFileSync } from "node:fs";
import { Table } from "console-table-printer";
import { z } from "zod";
import { print } from "../../lab/cli/output.ts";
import { Problem } from "../../lab/problem.ts";

export interface Ratio {
  readonly name: string;
  readonly what: string;
  readonly median: number;
  /** Over the pairs of the run: its noise. */
  readonly min: number;
  readonly max: number;
  /** Null where no aim is set; more is better where it has an `atLeast`. */
  readonly aim: { readonly atMost: number } | { readonly atLeast: number } | null;
}

const RECORD = z.object({ samples: z.number(), ratios: z.record(z.string(), z.number()) });
type RatioRecord = z.infer<typeof RECORD>;

export function writeRecord(file: string, samples: number, ratios: readonly Ratio[]): void {
  const kept = ratios.map(({ name, median }) => [name, Number(median.toPrecision(3))]);
  const record = { samples, ratios: Object.fromEntries(kept) as Record<string, number> };
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
}

/** @throws Problem where it is no record of as many samples */
export function readRecord(file: string, samples: number): RatioRecord {
  let read: RatioRecord;
  try {
    read = RECORD.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw new Problem(`this is no record of ratios (${String(error).split("\n")[0] ?? ""})`, {
      file,
      cure: "Make one with --record.",
    });
  }
  if (read.samples === samples) return read;
  throw new Problem(`this was recorded on ${read.samples} samples, and these are ${samples}`, {
    file,
    cure: `Run it with --samples ${read.samples}: ratios change with the size of a world.`,
  });
}

/** A line for each ratio that is worse than the record by more than its own spread. */
export function compared(ratios: readonly Ratio[], { ratios: before }: RatioRecord): string[] {
  return ratios.flatMap(({ name, median, min, max, aim }) => {
    const known = before[name];
    if (known === undefined) return [];
    const more = aim !== null && "atLeast" in aim;
    const worseBy = more ? known - median : median - known;
    if (worseBy <= max - min) return [];
    const [now, then, noise] = [median, known, max - min].map((one) => one.toPrecision(3));
    return [`${name} is ${now} and was ${then}: worse by more than this run's noise of ${noise}`];
  });
}

export function showRatios(ratios: readonly Ratio[]): void {
  const table = new Table({
    columns: [
      { name: "ratio", alignment: "left" },
      { name: "median", alignment: "right" },
      { name: "range", alignment: "right" },
      { name: "aim", alignment: "right" },
      { name: "what", alignment: "left" },
    ],
    shouldDisableColors: true,
  });
  for (const { name, what, median, min, max, aim } of ratios) {
    table.addRow({
      ratio: name,
      median: median.toFixed(2),
      range: `${min.toFixed(2)}–${max.toFixed(2)}`,
      aim: aim === null ? "" : "atMost" in aim ? `≤ ${aim.atMost}` : `≥ ${aim.atLeast}`,
      what,
    });
  }
  print(table.render());
}
