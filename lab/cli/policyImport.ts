/** `hindsight policy import`: what a team runs today, as policy files. */

import { existsSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { formatDuration, type KayentaPlan } from "../../engine/index.ts";
import { ARGO_SETTINGS, importArgo, isArgoObject } from "../policy/import/argo.ts";
import { documentsOf } from "../policy/import/document.ts";
import { importFlagger, isFlaggerObject } from "../policy/import/flagger.ts";
import { importKayenta, isKayentaObject } from "../policy/import/kayenta.ts";
import { analysisMs } from "../policy/import/kayentaTiming.ts";
import { importRules, RULE_SETTINGS, type RuleSettings } from "../policy/import/prometheus.ts";
import { boundBy, readBindings } from "../policy/import/binding.ts";
import { incumbentText, type Bound } from "../policy/import/policyFile.ts";
import { isRuleObject } from "../policy/import/ruleFile.ts";
import { policyFromText } from "../policy/load.ts";
import { successorText } from "../policy/successor.ts";
import { Problem, Problems } from "../problem.ts";
import { readText } from "../yaml.ts";
import { counted } from "../counted.ts";
import { duration } from "./options.ts";
import { note, print, printJson } from "./output.ts";
import { writeWholeFile } from "./textFile.ts";

interface Flags {
  readonly out: string;
  readonly owner: string;
  readonly name?: string;
  readonly watch: number;
  readonly metric: ReadonlyMap<string, string>;
  readonly series?: string;
  readonly successor?: true;
  readonly force?: true;
  readonly json?: true;
}

interface RuleFlags extends Flags {
  readonly evaluator: RuleSettings["evaluator"];
  readonly interval: number;
  readonly onFiring: "rollback" | "page";
  readonly serviceLabel?: string;
}

interface ArgoFlags extends Flags {
  readonly arg: ReadonlyMap<string, string>;
}

/** A policy file that was written. */
interface Made {
  readonly policy: string;
  readonly file: string;
  readonly queries: readonly string[];
  /** The draft of a policy in its place, where one was asked for. */
  readonly successor?: string;
}

const HOUR_MS = 3_600_000;

export function importCommand(): Command {
  return new Command("import")
    .description("Make policy files of what a team runs today, to be compared with its own.")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight policy import prometheus rules/*.yaml " +
        "--out policies --owner payments",
    )
    .addCommand(argoCommand())
    .addCommand(flaggerCommand())
    .addCommand(kayentaCommand())
    .addCommand(prometheusCommand());
}

function argoCommand(): Command {
  return common(new Command("argo"))
    .description(
      "Rollouts and AnalysisTemplates of Argo: a policy for each Rollout, and for each template\n" +
        "that no Rollout of these files uses.",
    )
    .option("--arg <name=value>", "the value of an argument, as often as needed", pair, new Map())
    .addHelpText(
      "after",
      "\nExample:\n  hindsight policy import argo deploy/rollout.yaml deploy/analysis.yaml \\\n" +
        "    --out policies --owner payments --metric success-rate=success_ratio",
    )
    .action((files: readonly string[], flags: ArgoFlags) => {
      const sources = files.map((file) => ({ file, text: readTemplates(file) }));
      const read = sources.map(({ file, text }) => documentsOf(text, file));
      const { imported, problems } = importArgo(
        read.flatMap(({ objects }) => objects).filter(isArgoObject),
        { ...ARGO_SETTINGS, args: flags.arg },
      );
      const wrong = [...read.flatMap((one) => one.problems), ...problems];
      if (wrong.length > 0) throw new Problems(wrong);
      if (imported.length === 0) {
        throw new Problem("there is no Rollout and no AnalysisTemplate in these files", {
          file: files[0]!,
          cure: "Give the files that hold them.",
        });
      }
      const made = imported.map(({ name, plan, queries }) => {
        const policy = imported.length === 1 ? (flags.name ?? name) : name;
        return write(flags, { policy, system: "argo", plan, queries, sources });
      });
      say(flags, made);
    });
}

function flaggerCommand(): Command {
  return common(new Command("flagger"))
    .description("Canaries of Flagger, with the MetricTemplates that they use: a policy for each.")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight policy import flagger deploy/canary.yaml deploy/metrics.yaml \\\n" +
        "    --out policies --owner payments --metric request-success-rate=success_percent",
    )
    .action((files: readonly string[], flags: Flags) => {
      const sources = files.map((file) => ({ file, text: readCanaries(file) }));
      const read = sources.map(({ file, text }) => documentsOf(text, file));
      const { imported, problems, notes } = importFlagger(
        read.flatMap(({ objects }) => objects).filter(isFlaggerObject),
      );
      const wrong = [...read.flatMap((one) => one.problems), ...problems];
      if (wrong.length > 0) throw new Problems(wrong);
      if (imported.length === 0) {
        throw new Problem("there is no Canary in these files", {
          file: files[0]!,
          cure: "Give the files that hold one.",
        });
      }
      const made = imported.map(({ name, plan, queries }) => {
        const policy = imported.length === 1 ? (flags.name ?? name) : name;
        return write(flags, { policy, system: "flagger", plan, queries, sources });
      });
      for (const { message } of notes) note(message);
      say(flags, made);
    });
}

function kayentaCommand(): Command {
  return common(new Command("kayenta"))
    .description(
      "Canary configs of Kayenta, with the Spinnaker stages or requests that run them: a policy\n" +
        "for each. The canary is the deployment's new version, the baseline the old one.",
    )
    .addHelpText(
      "after",
      "\nExample:\n  hindsight policy import kayenta canary/config.json canary/pipeline.json \\\n" +
        "    --out policies --owner payments --metric latency=latency_p95_ms",
    )
    .action((files: readonly string[], flags: Flags, command: Command) => {
      const sources = files.map((file) => ({ file, text: readConfigs(file) }));
      const read = sources.map(({ file, text }) => documentsOf(text, file));
      const { imported, problems, notes } = importKayenta(
        read.flatMap(({ objects }) => objects).filter(isKayentaObject),
      );
      const wrong = [...read.flatMap((one) => one.problems), ...problems];
      if (wrong.length > 0) throw new Problems(wrong);
      if (imported.length === 0) {
        throw new Problem("there is no canary config in these files", {
          file: files[0]!,
          cure: "Give the files that hold one.",
        });
      }
      const isGiven = command.getOptionValueSource("watch") === "cli";
      const made = imported.map(({ name, plan, queries }) => {
        const policy = imported.length === 1 ? (flags.name ?? name) : name;
        const watch = watchOf(plan, isGiven ? flags.watch : null);
        return write({ ...flags, watch }, { policy, system: "kayenta", plan, queries, sources });
      });
      for (const { message } of notes) note(message);
      say(flags, made);
    });
}

/** As long as the analysis takes: the judgement at its end belongs to it. */
function watchOf(plan: KayentaPlan, given: number | null): number {
  const neededMs = analysisMs(plan);
  if (given === null || given >= neededMs) return given ?? neededMs;
  throw new Problem(`--watch ${formatDuration(given)} ends before the last judgement`, {
    cure: `The analysis takes ${formatDuration(neededMs)}: give that or more, or leave it out.`,
  });
}

function prometheusCommand(): Command {
  return common(new Command("prometheus"))
    .description(
      "Rule groups of Prometheus or vmalert. Every alerting rule is evaluated as its server\n" +
        "does; an alert that fires for the deployed service rolls back, or pages.",
    )
    .addOption(
      new Option("--evaluator <name>", "whose rules they are")
        .choices(["prometheus", "vmalert", "vmalertReplay"])
        .default(RULE_SETTINGS.evaluator),
    )
    .option("--interval <time>", "of groups that name none", duration, RULE_SETTINGS.intervalMs)
    .addOption(
      new Option("--on-firing <act>", "what an alert does")
        .choices(["rollback", "page"])
        .default("rollback"),
    )
    .option("--service-label <name>", "count alerts only whose label is the deployed service")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight policy import prometheus rules/*.yaml --out policies \\\n" +
        "    --owner payments --service-label service --metric error_ratio=error_rate",
    )
    .action((files: readonly string[], flags: RuleFlags) => {
      const sources = files.map((file) => ({ file, text: readRules(file) }));
      const read = sources.map(({ file, text }) => documentsOf(text, file));
      const objects = read.flatMap((one) => one.objects).filter(isRuleObject);
      const { plan, queries, recorded, problems } = importRules(objects, {
        evaluator: flags.evaluator,
        intervalMs: flags.interval,
        onFiring: flags.onFiring === "page" ? "page" : "rollBack",
        serviceLabel: flags.serviceLabel ?? null,
        watchMs: flags.watch,
      });
      const wrong = [...read.flatMap((one) => one.problems), ...problems];
      if (wrong.length > 0) throw new Problems(wrong);
      if (queries.length === 0) {
        throw new Problem("there is no alerting rule in these files", {
          file: files[0]!,
          cure: "Give files with `groups` whose rules have `alert`.",
        });
      }
      const policy = flags.name ?? nameOf(files[0]!);
      const made = write(flags, { policy, system: "prometheus", plan, queries, sources });
      if (recorded.length > 0) {
        note(
          `${counted(recorded.length, "recording rule")} left out: the history has the series ` +
            "that the server recorded for them.",
        );
      }
      say(flags, [made]);
    });
}

/** The arguments and options of every incumbent. */
function common(command: Command): Command {
  return command
    .argument("<files...>", "YAML files, several documents each")
    .requiredOption("--out <dir>", "the directory that gets the policy files")
    .requiredOption("--owner <name>", "the team that is accountable for what they decide")
    .option("--name <name>", "of the policy; as the first file is called")
    .option("--watch <time>", "how long a deployment is watched", duration, HOUR_MS)
    .option(
      "--metric <query=metric>",
      "what the history calls the answers of a query, as often as needed",
      pair,
      new Map(),
    )
    .option(
      "--series <file>",
      "a file that says for every query, by its text, which metric of the history answers it",
    )
    .option(
      "--successor",
      "also write a draft of a policy in its place: the same queries, judged by change",
    )
    .option("--force", "replace policy files that are there already")
    .option("--json", "print one JSON document");
}

function pair(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const at = text.indexOf("=");
  if (at <= 0 || at === text.length - 1) {
    throw new InvalidArgumentError("expected a name and what stands for it, such as errors=rate");
  }
  return new Map([...before, [text.slice(0, at), text.slice(at + 1)]]);
}

function readTemplates(file: string): string {
  return readText(file, "file of templates", "Give the path of a file with Rollouts or templates.");
}

function readCanaries(file: string): string {
  return readText(file, "file of Canaries", "Give the path of a file with Canaries.");
}

function readConfigs(file: string): string {
  return readText(file, "canary config", "Give the path of a canary config, stage or request.");
}

function readRules(file: string): string {
  return readText(file, "rule file", "Give the path of a file with rule groups.");
}

function nameOf(file: string): string {
  return basename(file, extname(file));
}

function write(
  { out, owner, watch, metric, series, successor, force }: Flags,
  given: Pick<
    Parameters<typeof incumbentText>[0],
    "policy" | "system" | "plan" | "queries" | "sources"
  >,
): Made {
  const queries = given.queries.map(({ name }) => name);
  const unknown = [...metric.keys()].find((name) => !queries.includes(name));
  if (unknown !== undefined) {
    throw new Problem(`--metric ${unknown}=…: there is no such query`, {
      cure: `The queries are ${queries.join(", ")}.`,
    });
  }
  const bound = new Map<string, Bound>([
    ...(series === undefined ? [] : boundBy(readBindings(series), given.queries, series)),
    ...[...metric].map(([name, own]): [string, Bound] => [name, { metric: own }]),
  ]);
  const written = { ...given, owner, watchMs: watch, metrics: bound };
  const named = given.policy.replaceAll(/[^\w.-]+/g, "-");
  const texts: [string, string][] = [[join(out, `${named}.yaml`), incumbentText(written)]];
  if (successor === true) {
    texts.push([join(out, `${named}-successor.yaml`), successorText(written)]);
  }
  for (const [file, text] of texts) {
    if (existsSync(file) && force !== true) {
      throw new Problem("there is a file already", {
        file,
        cure: "Choose another --out or --name, or add --force to replace it.",
      });
    }
    // Read back before it is written: a file that `compare` would refuse is of no use.
    policyFromText(text, file);
  }
  for (const [file, text] of texts) writeWholeFile(file, text);
  const [[file], draft] = texts as [[string, string], [string, string]?];
  const made = { policy: given.policy, file, queries };
  return draft === undefined ? made : { ...made, successor: draft[0] };
}

function say({ json }: Flags, made: readonly Made[]): void {
  if (json) {
    printJson({ policies: made });
    return;
  }
  for (const { policy, file, queries } of made) {
    print(`${file}: ${policy}, asks ${queries.join(", ")}`);
  }
  for (const { successor } of made) {
    if (successor !== undefined) print(`${successor}: a draft of a policy in its place`);
  }
  const files = made.map(({ file }) => ` --policy ${file}`).join("");
  const [yours = "YOURS"] = made.flatMap(({ successor }) => successor ?? []);
  print(`Compare them: hindsight compare --history DIR${files} --policy ${yours}`);
}
