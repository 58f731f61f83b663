/** Every command, in the order of --help: one line here, one file each. */

import type { Command } from "commander";
import { auditCommand } from "./audit.ts";
import { compareCommand } from "./compare.ts";
import { detectBenchCommand } from "./detectBench.ts";
import { demoCommand } from "./demo.ts";
import { explainCommand } from "./explain.ts";
import { gateCommand } from "./gate.ts";
import { generateCommand } from "./generate.ts";
import { importCommand } from "./import.ts";
import { inspectCommand } from "./inspect.ts";
import { policyCommand } from "./policy.ts";
import { replayCommand } from "./replay.ts";
import { reportCommand } from "./report.ts";
import { serveCommand } from "./serve.ts";
import { scenarioCommand } from "./scenario.ts";
import { simulateCommand } from "./simulate.ts";
import { shadowCommand } from "./shadow.ts";
import { sweepCommand } from "./sweep.ts";
import { tagsCommand } from "./tags.ts";
import { workerCommand } from "./worker.ts";

export function commandList(): readonly Command[] {
  return [
    demoCommand(),
    generateCommand(),
    importCommand(),
    inspectCommand(),
    policyCommand(),
    replayCommand(),
    compareCommand(),
    sweepCommand(),
    explainCommand(),
    auditCommand(),
    gateCommand(),
    scenarioCommand(),
    reportCommand(),
    tagsCommand(),
    detectBenchCommand(),
    serveCommand(),
    shadowCommand(),
    simulateCommand(),
    workerCommand(),
  ];
}
