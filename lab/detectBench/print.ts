/** Prints the table of `detect-bench` for a terminal. */

import { Table } from "console-table-printer";
import { formatDuration } from "../../engine/index.ts";
import type { BenchRow } from "./bench.ts";
import type { Interval } from "./measures.ts";

function share({ value, low, high }: Interval): string {
  if (value === null) return "–";
  const text = value.toFixed(2);
  return low === null || high === null ? text : `${text} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
}

/** One row for each detector; brackets hold 95 % intervals over services. */
export function benchTable(rows: readonly BenchRow[]): string {
  const table = new Table({ shouldDisableColors: true });
  for (const row of rows) {
    const { value } = row.timeToDetectMedian;
    const counts = [
      row.truePositives,
      row.falseNegatives,
      row.falsePositives,
      row.trueNegatives,
      row.unjudgedBad + row.unjudgedGood,
    ] as const;
    table.addRow({
      detector: row.detector,
      "TP/FN/FP/TN/unjudged": counts.join("/"),
      precision: share(row.precision),
      recall: share(row.recall),
      F1: share(row.f1),
      "FP per good": share(row.falsePositiveRate),
      "balanced accuracy": share(row.balancedAccuracy),
      AUC: share(row.auc),
      "F1, cross-validated": share(row.crossValidatedF1),
      "median time": value === null ? "–" : formatDuration(Math.round(value) * 1000),
    });
  }
  return table.render();
}
