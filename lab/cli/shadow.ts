/** `hindsight shadow`: the live host. */

import { Command } from "commander";
import { pino } from "pino";
import { loadLivePolicy } from "../shadow/livePolicy.ts";
import { Problem } from "../problem.ts";
import type { Policy } from "../../engine/index.ts";
import { readSigner } from "../audit/signature.ts";
import { describeShadow } from "../shadow/config/describe.ts";
import { readServices } from "../shadow/config/services.ts";
import { readShadowFile, shadowJsonSchema, type ShadowFile } from "../shadow/config/shadowFile.ts";
import { refusePreparation } from "../shadow/host.ts";
import { goLive } from "../shadow/live.ts";
import { note, print, printJson } from "./output.ts";

const EXIT_WILL_NOT_START = 2;

interface Flags {
  readonly check?: true;
  readonly withoutSecrets?: true;
  readonly schema?: true;
  readonly json?: true;
}

export function shadowCommand(): Command {
  return new Command("shadow")
    .description("Watch live deployments with the same engine; it acts only where it is told to.")
    .argument("[config]", "a shadow.yaml")
    .option("--check", "say what the host would do, and what is wrong; start nothing")
    .option("--without-secrets", "with --check: a missing secret is a warning, not an error")
    .option("--schema", "print the JSON Schema of such a file, for editors")
    .option("--json", "print one JSON document; the log goes to stderr")
    .addHelpText(
      "after",
      "\nSIGTERM and Ctrl-C end it in order, SIGHUP reads the policy again. Its log (JSON lines)" +
        "\ngoes to stderr.\n" +
        "\nExit codes of --check: 0 the host would start, 2 it would not. A pipeline that has no" +
        "\nsecrets adds --without-secrets.\n" +
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

/**
 * Describes the config in full, also without the secrets. If a secret is missing, or if anything
 * else would stop the host, the exit code is 2.
 */
async function check(file: string, { json, withoutSecrets }: Flags): Promise<void> {
  const missing: string[] = [];
  const config = readShadowFile(file, process.env, (reference) => missing.push(reference));
  const policy = loadLivePolicy(config.policy);
  const services = await readServices(config.services);
  const { says, ...described } = describeShadow(config, policy, services);
  const secrets = [...new Set(missing)].map((place) => `there is no secret at ${place}`);
  const warnings = [...(withoutSecrets === true ? secrets : []), ...described.warnings];
  const faults = [...(withoutSecrets === true ? [] : secrets), ...startFaults(config, policy)];
  if (faults.length > 0) process.exitCode = EXIT_WILL_NOT_START;
  if (json === true) {
    const { act } = config;
    printJson({ policy: policy.policy, digest: policy.digest, act, says, warnings, faults });
    return;
  }
  for (const sentence of says) print(sentence);
  for (const warning of warnings) note(`warning: ${warning}`);
  for (const fault of faults) note(`error: ${fault}: the host will not start`);
}

/** What else would stop a host at its start. */
function startFaults({ audit }: ShadowFile, policy: Policy): readonly string[] {
  const checks = [
    () => refusePreparation(policy),
    () => (audit.signKey === undefined ? null : readSigner(audit.signKey)),
  ];
  return checks.flatMap((check) => {
    try {
      check();
      return [];
    } catch (error) {
      if (error instanceof Problem) return [error.message];
      throw error;
    }
  });
}
