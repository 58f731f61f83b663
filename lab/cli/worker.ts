/** `hindsight worker`: works on somebody's sweep, beside others on other machines. */

import { availableParallelism } from "node:os";
import { Command } from "commander";
import { checkUrl } from "../scale/queue/url.ts";
import { untilTold } from "../interrupt.ts";
import { wholeNumber } from "./options.ts";
import { note } from "./output.ts";

interface Flags {
  readonly on: string;
  readonly historyRoot?: string;
  readonly cache?: string;
  readonly workers: number;
}

export function workerCommand(): Command {
  return new Command("worker")
    .description("Work on the sweeps of others: units from a queue, results into a shared cache.")
    .requiredOption("--on <url>", "the Redis or Valkey of the queue: redis://HOST:PORT")
    .option(
      "--history-root <dir>",
      "where histories lie here, where that is not where whoever asks has them",
    )
    .option("--cache <dir>", "the shared directory of results, where it lies elsewhere here")
    .option(
      "--workers <n>",
      "processes that work at once (as many as there are cores)",
      wholeNumber(1),
      availableParallelism(),
    )
    .addHelpText(
      "after",
      "\nIt must be the same hindsight as that of whoever asks, and see the same histories and " +
        "the same\ncache. Ctrl-C ends it at once; what it had in hand others begin again.\n" +
        "\nExample:\n  hindsight worker --on redis://queue.internal:6379 --history-root /mnt/histories",
    )
    .action(async ({ on, historyRoot, cache, workers }: Flags) => {
      const { serveUnits } = await import("../scale/queue/serve.ts");
      const serving = await serveUnits({
        url: checkUrl(on),
        children: workers,
        historyRoot: historyRoot ?? null,
        cache: cache ?? null,
        note,
      });
      await untilTold();
      const giveUp = setTimeout(() => process.exit(0), 3_000);
      giveUp.unref();
      await serving.close();
    });
}
