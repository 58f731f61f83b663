/** `hindsight policy resolve`: what applies to one deployment at one instant, and why. */

import { Command, InvalidArgumentError, Option } from "commander";
import {
  parseInstant,
  parseShare,
  shareAt,
  type ContextTag,
  type Criticality,
  type Deployment,
  type DeploymentKind,
  type Policy,
} from "../../engine/index.ts";
import { openHistory } from "../history/open.ts";
import { loadPlacedPolicy } from "../policy/load.ts";
import { resolvedText, resolvePolicy } from "../policy/resolve.ts";
import { Problem } from "../problem.ts";
import { planReplay, type PlannedDeployment } from "../replay/plan.ts";
import { print, printJson } from "./output.ts";

interface Flags {
  readonly history?: string;
  readonly deployment?: string;
  readonly service: string;
  readonly kind: DeploymentKind;
  readonly environment: string;
  readonly criticality?: Criticality;
  readonly team?: string;
  readonly timezone?: string;
  readonly tag: readonly (readonly [string, string])[];
  readonly at?: number;
  readonly stage?: number;
  readonly json?: true;
}

/** What is asked about: a deployment, all its tags, and the instant it is asked for. */
interface Asked {
  readonly deployment: Deployment;
  readonly tags: readonly ContextTag[];
  readonly stages: PlannedDeployment["stages"];
}

export function resolveCommand(): Command {
  const kinds = ["code", "config", "migration", "infrastructure", "feature_flag"];
  return new Command("resolve")
    .description("Say what applies to one deployment at one instant, and which line says so.")
    .argument("<file>", "the policy")
    .option("--history <dir>", "the history that has the deployment")
    .option("--deployment <id>", "the deployment, with its tags and its service")
    .option("--service <name>", "or a deployment that is described: its service", "service")
    .addOption(new Option("--kind <kind>", "its kind").choices(kinds).default("code"))
    .option("--environment <name>", "where it goes", "production")
    .addOption(
      new Option("--criticality <word>", "of its service").choices([
        "low",
        "medium",
        "high",
        "critical",
      ]),
    )
    .option("--team <name>", "whose service it is")
    .option("--timezone <zone>", "of its service, such as Europe/Berlin")
    .option("--tag <name=value>", "a tag, as often as needed", tagOf, [])
    .option("--at <time>", "the instant; the start of a deployment of a history", instant)
    .option(
      "--stage <share>",
      "of the traffic on the new version; what history says, or all",
      share,
    )
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight policy resolve scenarios/policies/organisation/payments.yaml \\\n" +
        "    --service checkout --timezone Europe/Berlin --at 2026-11-24T22:32:00Z \\\n" +
        "    --tag expected_latency_increase=15%",
    )
    .action(async (file: string, flags: Flags) => {
      const placed = loadPlacedPolicy(file);
      const { deployment, tags, stages } =
        flags.history === undefined ? described(flags) : await recorded(flags, placed.policy);
      const atMs = flags.at ?? deployment.startedAtMs;
      const reached = flags.stage ?? shareAt(stages, atMs, atMs);
      const resolved = resolvePolicy(placed, deployment, tags, atMs, reached);
      if (flags.json) printJson(resolved);
      else print(resolvedText(resolved));
    });
}

function share(text: string): number {
  const value = parseShare(text);
  if (value !== null && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("expected a share of the traffic, such as 5%");
}

function instant(text: string): number {
  const atMs = parseInstant(text);
  if (atMs !== null) return atMs;
  throw new InvalidArgumentError("expected an instant with its zone, such as 2026-11-24T22:00:00Z");
}

function tagOf(
  text: string,
  before: readonly (readonly [string, string])[],
): readonly (readonly [string, string])[] {
  const [name, ...value] = text.split("=");
  if (name === undefined || name === "") {
    throw new InvalidArgumentError("expected a tag such as migration_window or name=15%");
  }
  return [...before, [name, value.length === 0 ? "true" : value.join("=")]];
}

function described(flags: Flags): Asked {
  const { at, service, environment, kind, team, criticality, timezone } = flags;
  if (flags.deployment !== undefined) {
    throw new Problem("--deployment names a deployment of a history", {
      cure: "Give --history DIR, or describe a deployment with --service, --kind and the others.",
    });
  }
  if (at === undefined) {
    throw new Problem("a described deployment has no time of its own", {
      cure: "Give --at, such as --at 2026-11-24T22:00:00Z.",
    });
  }
  const deployment: Deployment = {
    deploymentId: "described",
    service,
    environment,
    kind,
    startedAtMs: at,
    version: null,
    author: null,
    team: team ?? null,
    criticality: criticality ?? null,
    timezone: timezone ?? null,
  };
  const tags = flags.tag.map(([tag, value]) => tagFor(deployment, tag, value));
  return { deployment, tags, stages: [] };
}

/** Known and in force from the start: it is asked what the tag does, not when. */
function tagFor(deployment: Deployment, tag: string, value: string): ContextTag {
  return {
    deploymentId: deployment.deploymentId,
    service: deployment.service,
    tag,
    value,
    signal: null,
    validFromMs: null,
    validUntilMs: null,
    knownAtMs: deployment.startedAtMs,
    givenBy: null,
    approvedBy: null,
  };
}

async function recorded(
  { history: dir, deployment: id, tag }: Flags,
  policy: Policy,
): Promise<Asked> {
  const history = await openHistory(dir!);
  try {
    if (id === undefined) {
      throw new Problem("which deployment of this history?", {
        file: dir!,
        cure: "Give --deployment ID.",
      });
    }
    const plan = await planReplay(history, [policy]);
    const place = plan.places.get(id);
    const found = place === undefined ? undefined : plan.deployments.at(place);
    if (found === undefined) {
      throw new Problem(`no deployment ${id}`, {
        file: dir!,
        cure: "deployments.parquet has their names; `hindsight replay --json` lists them.",
      });
    }
    const added = tag.map(([name, value]) => tagFor(found.deployment, name, value));
    return { ...found, tags: [...found.tags, ...added] };
  } finally {
    history.close();
  }
}
