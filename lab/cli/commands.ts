/** Every command, in the order of --help: one line here, one file each. */

import { own, type JsonObject } from "../../engine/index.ts";
import type { Command } from "commander";

const COMMANDS: JsonObject<() => Promise<Command>> = {
  demo: async () => (await import("./demo.ts")).demoCommand(),
  generate: async () => (await import("./generate.ts")).generateCommand(),
  import: async () => (await import("./import.ts")).importCommand(),
  inspect: async () => (await import("./inspect.ts")).inspectCommand(),
  policy: async () => (await import("./policy.ts")).policyCommand(),
  replay: async () => (await import("./replay.ts")).replayCommand(),
  compare: async () => (await import("./compare.ts")).compareCommand(),
  sweep: async () => (await import("./sweep.ts")).sweepCommand(),
  explain: async () => (await import("./explain.ts")).explainCommand(),
  audit: async () => (await import("./audit.ts")).auditCommand(),
  gate: async () => (await import("./gate.ts")).gateCommand(),
  scenario: async () => (await import("./scenario.ts")).scenarioCommand(),
  report: async () => (await import("./report.ts")).reportCommand(),
  tags: async () => (await import("./tags.ts")).tagsCommand(),
  "detect-bench": async () => (await import("./detectBench.ts")).detectBenchCommand(),
  serve: async () => (await import("./serve.ts")).serveCommand(),
  shadow: async () => (await import("./shadow.ts")).shadowCommand(),
  simulate: async () => (await import("./simulate.ts")).simulateCommand(),
  worker: async () => (await import("./worker.ts")).workerCommand(),
};

/** All commands, or the one asked for alone: loading all of them takes most of a second. */
export async function commandList(asked?: string): Promise<readonly Command[]> {
  if (asked === "--version") return [];
  const known = asked !== undefined && Object.hasOwn(COMMANDS, asked);
  const makers = known ? [own(COMMANDS, asked)!] : Object.values(COMMANDS);
  return Promise.all(makers.map((make) => make()));
}
