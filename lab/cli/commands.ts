/** Every command, in the order of --help: one line here, one file each. */

import type { Command } from "commander";
import { loadCommands, type CommandMakers } from "./loadCommands.ts";

const COMMANDS: CommandMakers = {
  demo: async () => (await import("./demo.ts")).demoCommand(),
  generate: async () => (await import("./generate.ts")).generateCommand(),
  import: async () => (await import("./import.ts")).importCommand(),
  inspect: async () => (await import("./inspect.ts")).inspectCommand(),
  policy: async (below) => (await import("./policy.ts")).policyCommand(below),
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
  confidence: async () => (await import("./confidence.ts")).confidenceCommand(),
  agents: async () => (await import("./agents.ts")).agentsCommand(),
  serve: async () => (await import("./serve.ts")).serveCommand(),
  shadow: async () => (await import("./shadow.ts")).shadowCommand(),
  simulate: async () => (await import("./simulate.ts")).simulateCommand(),
  completion: async () => (await import("./completion.ts")).completionCommand(() => commandList()),
  worker: async () => (await import("./worker.ts")).workerCommand(),
};

/** All commands, or the one asked for: `policy`, or with `below` only the `check` of it. */
export async function commandList(asked?: string, below?: string): Promise<readonly Command[]> {
  return asked === "--version" ? [] : loadCommands(COMMANDS, asked, below);
}
