/** Options that several commands share, and how their values are checked. */

import { InvalidArgumentError, Option, type Command } from "commander";
import { parseDuration } from "../../engine/index.ts";
import { readSigner, type Signer } from "../audit/signature.ts";
import type { Moment } from "../compare/moment.ts";
import { withinBetween, type Within } from "../compare/within.ts";
import { LABEL_CHOICES, type LabelChoice } from "../history/labels/choose.ts";
import { readManifest } from "../history/manifest.ts";
import type { Outage } from "../history/outage.ts";
import { defaultPeopleIn, defaultPeopleNote } from "../people/byDefault.ts";
import { PEOPLE_WORDS, type PeopleChoice } from "../people/choose.ts";
import { Problem } from "../problem.ts";
import { EFFECT_RULES, type EffectRule } from "../replay/splice.ts";
import { openScale, type ScaleFlags } from "../scale/open.ts";
import { portsOf, type Ports } from "../scale/ports.ts";
import { loadCosts } from "../score/costs.ts";
import { moment } from "./moment.ts";
import { note } from "./output.ts";

export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`expected a whole number of at least ${least}`);
    }
    return value;
  };
}

/** `8m` → milliseconds. */
export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms <= 0) throw new InvalidArgumentError("expected a duration such as 8m");
  return ms;
}

const OUTAGE_AFTER_MS = 300_000;

export interface EvaluateFlags extends ScaleFlags {
  readonly history: string;
  readonly from?: Moment;
  readonly to?: Moment;
  readonly people?: PeopleChoice;
  readonly costs?: string;
  readonly seed: number;
  readonly replicates: number;
  readonly draws: number;
  readonly effect: EffectRule;
  readonly labels?: LabelChoice;
  readonly outage?: number;
  readonly outageAfter?: number;
  readonly json?: true;
  readonly out?: string;
  readonly force?: true;
  readonly signKey?: string;
}

/** What every command that leaves a run has in common. */
export function runOptions(command: Command): Command {
  return scaleOptions(stretchOptions(measureOptions(command)))
    .option(
      "--outage <time>",
      "what if the metrics of a service could not be asked for so long after its deployment",
      duration,
    )
    .option("--outage-after <time>", "when that begins", duration, OUTAGE_AFTER_MS)
    .option("--out <dir>", "write a run directory")
    .option("--force", "replace a run that is there already")
    .option("--sign-key <file>", "private Ed25519 key (PEM) that signs the log of the run");
}

/** Which deployments of a history are scored; everything else of it happens all the same. */
export function stretchOptions(command: Command): Command {
  return command
    .option(
      "--from <time>",
      "score only deployments that start from then on: 2026-07-01, 2026-07-01T08:00:00Z, or so " +
        "long before the history's end: 28d",
      moment,
    )
    .option("--to <time>", "score only deployments that start before then; as --from", moment);
}

/** What takes long is kept and shared out; see lab/scale/README.md. */
export function scaleOptions(command: Command): Command {
  return command
    .option(
      "--cache <dir>",
      "where what was judged is kept for the next question, or `off` (HINDSIGHT_CACHE; " +
        ".hindsight/cache)",
    )
    .option(
      "--workers <n>",
      "processes that work on it (as many as there are cores, where a history is large)",
      wholeNumber(1),
    )
    .option("--shard <n>", "windows of samples that one shard sees at least (6000)", wholeNumber(1))
    .option("--resume", "finish what an interrupted run began, and say how much was there");
}

/** The flags of `scaleOptions` as `evaluate` takes them; nothing where nothing is kept. */
export function portsFrom(flags: ScaleFlags): Partial<Ports> {
  const scale = openScale(flags, note);
  return scale === undefined ? {} : portsOf(scale);
}

/** Without a default here: that depends on the history (`peopleOf`). */
export function peopleOption(): Option {
  return new Option(
    "--people <who>",
    `who answers proposals: ${PEOPLE_WORDS.join(", ")}, or a people file (YAML); modelled where ` +
      "the history has enough answers, else absent",
  );
}

/** Who answers: as the flag says, or else as suits the history, which is said. */
export async function peopleOf({
  people,
  history,
  labels,
}: Pick<EvaluateFlags, "people" | "history" | "labels">): Promise<PeopleChoice> {
  if (people !== undefined) return people;
  const byDefault = await defaultPeopleIn(history, labels);
  const told = defaultPeopleNote(byDefault);
  if (told !== null) note(told);
  return byDefault.people;
}

/** For every command that holds what a policy does against labels. */
export function labelsOption(): Option {
  return new Option(
    "--labels <which>",
    "which labels count, where import derived some; in both (the default) given ones win, but a " +
      "rollback is never good",
  ).choices(LABEL_CHOICES);
}

/** What every command that replays and scores a history has in common. */
export function measureOptions(command: Command): Command {
  return command
    .requiredOption("--history <dir>", "the history to replay")
    .addOption(peopleOption())
    .option("--costs <file>", "what things cost you (YAML); defaults where it is silent")
    .option("--seed <n>", "seed of the bootstrap and of everything drawn", wholeNumber(0), 1)
    .option("--replicates <n>", "bootstrap samples behind every interval", wholeNumber(100), 1000)
    .option("--draws <n>", "draws of people's luck and of what history hid", wholeNumber(1), 5)
    .addOption(
      new Option("--effect <rule>", "how an effect goes on that history's rollback cut short")
        .choices(EFFECT_RULES)
        .default("hold"),
    )
    .addOption(labelsOption())
    .option("--json", "print one JSON document");
}

/** The flags as `evaluate` takes them; files among them are read and checked. */
export async function evaluateOptionsOf(flags: EvaluateFlags) {
  const { costs, seed, replicates, draws, effect, labels } = flags;
  return {
    ...withinOf(flags),
    ...outageOf(flags),
    draws,
    effect,
    ...(labels === undefined ? {} : { labels }),
    ...(costs === undefined ? {} : { costs: loadCosts(costs) }),
    people: await peopleOf(flags),
    seed,
    replicates,
  };
}

function outageOf({ outage, outageAfter = OUTAGE_AFTER_MS, out }: EvaluateFlags): {
  readonly outage?: Outage;
} {
  if (outage === undefined) return {};
  if (out !== undefined) {
    throw new Problem(
      "--outage changes samples, and the log of a run rests on those of the history",
      {
        cure: "Leave out --out.",
      },
    );
  }
  return { outage: { forMs: outage, afterMs: outageAfter } };
}

/** Which deployments are scored, where not all of them are. */
function withinOf({ history, from, to }: EvaluateFlags): { readonly within?: Within } {
  if (from === undefined && to === undefined) return {};
  return { within: withinBetween(from, to, readManifest(history).to) };
}

/** Who signs the log of a run; null when nobody does. */
export function signerOf({ signKey, out }: EvaluateFlags): Signer | null {
  if (signKey === undefined) return null;
  if (out === undefined) {
    throw new Problem("--sign-key signs the decision log of a run, and no run is written", {
      cure: "Add --out RUN.",
    });
  }
  return readSigner(signKey);
}
