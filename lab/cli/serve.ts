/** `hindsight serve`: the web lab. */

import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { readManifest } from "../history/manifest.ts";
import { checkPeople } from "../people/choose.ts";
import { Problem } from "../problem.ts";
import { serve } from "../server/serve.ts";
import { untilTold } from "../interrupt.ts";
import { evaluateOptionsOf, measureOptions, type EvaluateFlags } from "./options.ts";
import { note, print, printJson } from "./output.ts";

interface Flags extends EvaluateFlags {
  readonly policy?: string[];
  readonly port: number;
  readonly host?: string;
}

const DEFAULT_PORT = 4173;

export function serveCommand(): Command {
  return measureOptions(
    new Command("serve")
      .description("Open the lab in a browser: compare, look at deployments, ask what if.")
      .option(
        "--policy <file>",
        "a policy; the first is the baseline; those that are shipped are there as well",
        (file: string, files: string[] | undefined) => [...(files ?? []), file],
      )
      .option("--port <n>", "the port; 0 takes any that is free", portNumber, DEFAULT_PORT)
      .option("--host <address>", "listen beyond this machine; then a token is wanted")
      .option("--out <dir>", "where drafts, sweeps and decision logs are kept"),
  )
    .addHelpText(
      "after",
      "\nIt listens on loopback unless --host is given. The token is then HINDSIGHT_TOKEN of the" +
        "\nenvironment, or made up and printed.\n" +
        "\nExample:\n  hindsight serve --history quarter " +
        "--policy scenarios/policies/two-minute-override.yaml",
    )
    .action(async (flags: Flags) => {
      const { digest, rows } = readManifest(flags.history);
      const numbers = await evaluateOptionsOf(flags);
      checkPeople(numbers.people, flags.history, rows);
      const serving = await serve({
        numbers,
        history: flags.history,
        policies: flags.policy ?? [],
        runDirectory: flags.out ?? join(".hindsight", "serve", digest.slice(0, 12)),
        port: flags.port,
        host: flags.host ?? null,
        token: tokenOf(process.env["HINDSIGHT_TOKEN"]),
        onFault: (error, request) => {
          const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
          note(`hindsight: our fault, please report it: ${request}: ${told}`);
        },
      });
      if (flags.json) printJson({ url: serving.url });
      else {
        const built = serving.pagesAreBuilt
          ? ""
          : "Its pages are not built: npm run build first.\n";
        print(`The lab is at ${serving.url}\n${built}Ctrl-C ends it.`);
      }
      await untilTold();
      await serving.close();
    });
}

const TOKEN_AT_LEAST = 16;

function tokenOf(given: string | undefined): string | null {
  if (given === undefined || given === "") return null;
  if (given.length >= TOKEN_AT_LEAST && /^[\w.~-]+$/.test(given)) return given;
  throw new Problem("HINDSIGHT_TOKEN is no token", {
    cure: `It has at least ${TOKEN_AT_LEAST} letters, digits, dots, dashes or underscores.`,
  });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isSafeInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError("expected a port, 0 to 65535");
}
