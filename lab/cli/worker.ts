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
    .description("Compute units of other people's sweeps, from a queue into a shared cache.")
    .requiredOption("--on <url>", "the Redis or Valkey of the queue: redis://HOST:PORT")
    .option(
      "--history-root <dir>",
      "local root of the histories, if it differs from the coordinator's",
    )
    .option("--cache <dir>", "local path of the shared cache, if it differs from the coordinator's")
    .option(
      "--workers <n>",
      "processes that work at once (as many as there are cores)",
      wholeNumber(1),
      availableParallelism(),
    )
    .addHelpText(
      "after",
      "\nA worker needs the same version of hindsight as the coordinator, the same histories\n" +
        "and the same cache. Ctrl-C ends it at once; another worker takes its units over.\n" +
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
