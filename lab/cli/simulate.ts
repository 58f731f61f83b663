/** `hindsight simulate`: policies alive in a world, and how far a replay of them is off. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { Command, Option } from "commander";
import { ENGINE_VERSION } from "../../engine/index.ts";
import { compareDocument, replayDocument } from "../compare/document.ts";
import type { Evaluation } from "../compare/evaluate.ts";
import { replayHeadline } from "../compare/headline.ts";
import { scorecardTable, wastedLines } from "../compare/print.ts";
import { formatValue } from "../compare/words.ts";
import { pairsOf } from "../compare/pairs.ts";
import { checkRunPlace, writeRun } from "../compare/runDirectory.ts";
import type { Answers } from "../history/answered.ts";
import { modelOfFile } from "../people/choose.ts";
import { loadPolicy } from "../policy/load.ts";
import { Problem } from "../problem.ts";
import { EFFECT_RULES, type EffectRule } from "../replay/splice.ts";
import { storedAnswers } from "../scale/answers.ts";
import { Store } from "../scale/store.ts";
import { refuseUrl } from "../directory.ts";
import { loadCosts } from "../score/costs.ts";
import { brokenBy, evaluateLives, live, type Stage } from "../simulate/closedLoop.ts";
import { defaultWorkers, fidelityOf, liveManyWorlds } from "../simulate/fidelity.ts";
import { fidelityTable } from "../simulate/fidelityTable.ts";
import { holdPairs, loadPairs } from "../simulate/pairs.ts";
import { pairsTable } from "../simulate/pairsTable.ts";
import { openWorld } from "../simulate/open.ts";
import { printComparison } from "./compare.ts";
import { instant } from "./moment.ts";
import { wholeNumber } from "./options.ts";
import { note, printFitted, printJson, progressBar } from "./output.ts";
import { counted } from "../counted.ts";
import { TERMINAL_COLUMNS } from "../terminal.ts";

const WASTED_SHOWN = 5;

interface Flags {
  readonly policy?: readonly string[];
  readonly logPolicy?: string;
  readonly ask?: readonly string[];
  readonly pairs?: string;
  readonly worlds: number;
  readonly workers: number;
  readonly cache?: string;
  readonly people: string;
  readonly seed: number;
  readonly from?: number;
  readonly to?: number;
  readonly costs?: string;
  readonly replicates: number;
  readonly draws: number;
  readonly effect: EffectRule;
  readonly all?: true;
  readonly json?: true;
  readonly out?: string;
  readonly force?: true;
}

export function simulateCommand(): Command {
  return new Command("simulate")
    .description("Let policies live in a world; or measure how far a replay of them is off.")
    .argument("<world>", "a world file, such as datasets/worlds/quarter.yaml")
    .option("--policy <file>", "a policy that lives in the world; may come more than once", several)
    .option("--log-policy <file>", "who writes the history that a replay has to go on")
    .option("--ask <files>", "policies to replay on it, with commas between", several)
    .option(
      "--pairs <file>",
      "how far verdicts can be trusted, for each pair of policies in a file",
    )
    .option("--worlds <n>", "how many worlds, of successive seeds", wholeNumber(1), 200)
    .option(
      "--workers <n>",
      "threads; results do not depend on them",
      wholeNumber(1),
      defaultWorkers(),
    )
    .option(
      "--cache <dir>",
      "where the result of each of these worlds is kept: a run that was stopped goes on from there",
    )
    .option("--seed <n>", "seed of the world, or of the first one", wholeNumber(0), 1)
    .option("--people <who>", "who lives there: absent, modelled, perfect, or a file", "modelled")
    .option("--from <time>", "when the policy begins to act (ISO 8601)", instant)
    .option("--to <time>", "when it is put away again", instant)
    .option("--costs <file>", "what things cost you (YAML); defaults where it is silent")
    .option("--replicates <n>", "bootstrap samples behind every interval", wholeNumber(100), 1000)
    .option("--draws <n>", "of a replay: draws of what history hid", wholeNumber(1), 5)
    .addOption(
      new Option("--effect <rule>", "of a replay: how an effect goes on that was cut short")
        .choices(EFFECT_RULES)
        .default("hold"),
    )
    .option("--all", "print every row, every pair of policies and every deployment")
    .option("--json", "print one JSON document")
    .option("--out <dir>", "write a run directory")
    .option("--force", "replace a run that is there already")
    .addHelpText(
      "after",
      "\nExamples:\n  hindsight simulate datasets/worlds/fidelity.yaml " +
        "--policy scenarios/policies/two-minute-override.yaml\n" +
        "  hindsight simulate datasets/worlds/fidelity.yaml --worlds 20 \\\n" +
        "    --log-policy scenarios/policies/plain-window.yaml " +
        "--ask scenarios/policies/two-minute-override.yaml\n" +
        "  hindsight simulate datasets/worlds/fitted.yaml --worlds 20 --seed 3001 \\\n" +
        "    --pairs scenarios/fidelity/pairs.yaml --cache worlds",
    )
    .action(async (file: string, flags: Flags) => {
      if (flags.pairs !== undefined) await trust(file, flags, flags.pairs);
      else if (flags.logPolicy !== undefined || flags.ask !== undefined) await measure(file, flags);
      else await act(file, flags);
    });
}

/** The policies live; each alone in the world. */
async function act(file: string, flags: Flags): Promise<void> {
  const { people, seed, replicates, out } = flags;
  refuse(flags, ["cache"], "--policy");
  if (flags.policy === undefined) {
    throw new Problem("nothing is to live in this world", {
      cure: "Give --policy P, or --log-policy A and --ask B to measure a replay.",
    });
  }
  refuseRecorded(people);
  const policies = flags.policy.map(loadPolicy);
  if (out !== undefined) checkRunPlace(out, flags.force ?? false);
  const { world } = openWorld(file, seed);
  const stage: Stage = {
    world,
    fromMs: Math.max(world.startMs, flags.from ?? world.startMs),
    toMs: Math.min(world.endMs, flags.to ?? world.endMs),
  };
  if (stage.fromMs >= stage.toMs) {
    const [from, to] = [world.startMs, world.endMs].map((ms) => new Date(ms).toISOString());
    throw new Problem("there is no time between --from and --to in this world", {
      file,
      cure: `It goes from ${from!} to ${to!}.`,
    });
  }
  const progress = progressBar();
  const lives = await live(stage, policies, people, progress);
  const scored = await evaluateLives(stage, lives, {
    people,
    ...(flags.costs === undefined ? {} : { costs: loadCosts(flags.costs) }),
    seed,
    replicates,
    progress,
    digestSamples: out !== undefined,
  });
  const evaluation: Evaluation = {
    ...scored,
    manifest: {
      ...scored.manifest,
      world: {
        file: basename(file),
        sha256: sha256Of(file),
        seed,
        from: new Date(stage.fromMs).toISOString(),
        to: new Date(stage.toMs).toISOString(),
        broken: Object.fromEntries(
          lives.map((life) => [life.policy.policy, brokenBy(stage, life)]),
        ),
      },
    },
  };
  if (out !== undefined) await writeRun(out, evaluation, flags.force ?? false);
  const isOne = policies.length === 1;
  if (flags.json) printJson(isOne ? replayDocument(evaluation) : compareDocument(evaluation));
  else if (isOne) {
    printFitted(`${replayHeadline(evaluation.policies[0]!)}\n`);
    printFitted(scorecardTable(evaluation.policies, TERMINAL_COLUMNS, flags.all ?? false));
    for (const line of wastedLines(evaluation, WASTED_SHOWN)) printFitted(line);
  } else {
    const pairs = await pairsOf(evaluation, flags.all ? "all" : "nearest");
    printComparison({ ...evaluation, pairs }, flags.all);
  }
  for (const [name, { rollbacks, minutes }] of Object.entries(evaluation.manifest.world!.broken)) {
    if (rollbacks === 0) continue;
    note(
      `${name}: ${counted(rollbacks, "rollback")} of what cannot be undone ` +
        `broke ${formatValue("seconds", 60 * minutes)}.`,
    );
  }
  for (const line of evaluation.manifest.notes) note(line);
  if (out !== undefined) note(`Run written to ${out}`);
}

/** How far a replay on the history of one policy is off about others. */
async function measure(file: string, flags: Flags): Promise<void> {
  const { logPolicy, ask, people, seed, replicates, draws, effect, worlds, workers } = flags;
  if (logPolicy === undefined || ask === undefined) {
    throw new Problem("a replay is measured between two policies", {
      cure: "Give --log-policy A, who writes the history, and --ask B, who is replayed on it.",
    });
  }
  refuse(flags, ["policy", "from", "to", "out", "costs"], "--log-policy and --ask");
  refuseRecorded(people);
  const [log, ...asked] = [logPolicy, ...ask].map(loadPolicy);
  const names = asked.map(({ policy }) => policy);
  const { sources } = openWorld(file, seed);
  const task = { worldFile: file, seed, logPolicy, asked: ask, people, replicates, draws, effect };
  const began = performance.now();
  const many = { worlds, workers, progress: progressBar(), answers: answersIn(flags) };
  const results = await liveManyWorlds(task, many);
  const pairs = names.map((name) => fidelityOf(log!.policy, name, results));
  if (!flags.json) {
    for (const pair of pairs) printFitted(fidelityTable(pair, results));
    return;
  }
  printJson({
    manifest: manifestOf(file, flags, sources, [log!, ...asked], began),
    pairs,
    worlds: results,
  });
}

/** How far the verdicts of a comparison can be trusted: pairs of policies, in many worlds. */
async function trust(file: string, flags: Flags, pairsFile: string): Promise<void> {
  const { people, seed, replicates, draws, effect, worlds, workers } = flags;
  refuse(flags, ["policy", "logPolicy", "ask", "from", "to", "out", "costs"], "--pairs");
  refuseRecorded(people);
  const { world, sources } = openWorld(file, seed);
  const pairs = loadPairs(pairsFile, world.spec.world);
  const files = new Set(pairs.flatMap(({ history, asked }) => [history, asked]));
  const policies = [...files].map(loadPolicy);
  const task = { worldFile: file, seed, people, replicates, draws, effect };
  const began = performance.now();
  const many = { worlds, workers, progress: progressBar(), answers: answersIn(flags) };
  const held = await holdPairs(pairs, task, many);
  if (flags.json) {
    printJson({ manifest: manifestOf(file, flags, sources, policies, began), pairs: held });
  } else for (const line of pairsTable(held)) printFitted(line);
}

/** Keeps the results of worlds. */
function answersIn({ cache }: Flags): Answers | undefined {
  if (cache === undefined) return undefined;
  refuseUrl(cache);
  return storedAnswers({ store: new Store(cache), leastSamples: 0 });
}

function manifestOf(
  file: string,
  { people, seed, replicates, draws, effect, worlds }: Flags,
  sources: ReturnType<typeof openWorld>["sources"],
  policies: readonly { readonly policy: string; readonly digest: string }[],
  began: number,
): object {
  return {
    format: "hindsight-fidelity",
    engineVersion: ENGINE_VERSION,
    timeZones: process.versions["tz"] ?? "unknown",
    world: { file: basename(file), sha256: sha256Of(file), seed, worlds },
    sources,
    policies: policies.map(({ policy, digest }) => ({ name: policy, digest })),
    people,
    peopleModel: modelOfFile(people),
    replicates,
    draws,
    effect,
    timing: { seconds: Math.round(performance.now() - began) / 1000 },
  };
}

function refuse(flags: Flags, names: readonly (keyof Flags)[], together: string): void {
  const refused = names.find((name) => flags[name] !== undefined);
  if (refused === undefined) return;
  const option = refused.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new Problem(`--${option} has no meaning together with ${together}`, {
    cure: `Leave it out, or simulate without ${together.split(" ")[0]!}.`,
  });
}

function refuseRecorded(people: string): void {
  if (people !== "recorded") return;
  throw new Problem("a world has no recorded answers", {
    cure: "Use --people modelled, absent, perfect, or a people file.",
  });
}

function sha256Of(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function several(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...text.split(",").filter((part) => part !== "")];
}
