/** `hindsight shadow`: the live host. */

import { Command } from "commander";
import { pino } from "pino";
import { loadPolicy } from "../policy/load.ts";
import { Problem } from "../problem.ts";
import { describeShadow } from "../shadow/config/describe.ts";
import { readServices } from "../shadow/config/services.ts";
import { readShadowFile, shadowJsonSchema } from "../shadow/config/shadowFile.ts";
import { goLive } from "../shadow/live.ts";
import { note, print, printJson } from "./output.ts";

interface Flags {
  readonly check?: true;
  readonly schema?: true;
  readonly json?: true;
}

export function shadowCommand(): Command {
  return new Command("shadow")
    .description("Watch live deployments with the same engine; it acts only where it is told to.")
    .argument("[config]", "a shadow.yaml")
    .option("--check", "say what the host would do, and what is wrong; start nothing")
    .option("--schema", "print the JSON Schema of such a file, for editors")
    .option("--json", "print one JSON document; the log goes to stderr")
    .addHelpText(
      "after",
      "\nSIGTERM and Ctrl-C end it in order, SIGHUP reads the policy again. Its log (JSON lines)" +
        "\ngoes to stderr.\n" +
        "\nExamples:\n  hindsight shadow shadow.yaml --check\n  hindsight shadow shadow.yaml",
    )
    .action(async (file: string | undefined, flags: Flags) => {
      if (flags.schema === true) return printJson(shadowJsonSchema());
      if (file === undefined) {
        throw new Problem("no config is given", { cure: "Give the path of a shadow.yaml." });
      }
      if (flags.check === true) return check(file, flags);
      const config = readShadowFile(file, process.env);
      const log = pino(
        { base: null, timestamp: pino.stdTimeFunctions.isoTime },
        pino.destination(2),
      );
      const live = await goLive(config, file, process.env, log);
      const { act, listen, journal } = config;
      if (flags.json === true) printJson({ url: live.url, act, journal });
      else print(`It ${act ? "acts, and listens" : "only watches, and listens"} at ${live.url}`);
      log.info({ listen, act }, "listening");
      const reload = (): void => void live.reload();
      process.on("SIGHUP", reload);
      try {
        await Promise.race([untilTold(), live.done]);
      } finally {
        process.off("SIGHUP", reload);
        await live.close();
      }
      log.info("ended in order");
    });
}

/** Ctrl-C and SIGTERM are how a host is ended: no error, and nothing is cut off. */
function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

/** Works without the secrets, so that a pipeline which has none can check a change. */
async function check(file: string, { json }: Flags): Promise<void> {
  const missing: string[] = [];
  const config = readShadowFile(file, process.env, (reference) => missing.push(reference));
  const policy = loadPolicy(config.policy);
  const services = await readServices(config.services);
  const { says, warnings } = describeShadow(config, policy, services, [...new Set(missing)]);
  if (json === true) {
    printJson({ policy: policy.policy, digest: policy.digest, act: config.act, says, warnings });
    return;
  }
  for (const sentence of says) print(sentence);
  for (const warning of warnings) note(`warning: ${warning}`);
}
