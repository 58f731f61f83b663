/** What of a policy has a control in What-if, and the values that a hand can turn it to. */

import { parseDuration, own, type Policy, type JsonObject } from "../../engine/index.ts";
import { POLICY_LIMITS } from "../limits.ts";
import { childrenOf, oldValue, type Tree } from "../sweep/paths.ts";
import type { CatalogEntry } from "./catalog.ts";
import { yamlValue } from "../yaml.ts";
import type { Knob } from "./contract/policies.ts";

const TIERS = ["full", "override", "approve", "observe"] as const;
const NOTHING = "(nothing)";

const LADDERS: JsonObject<readonly string[]> = {
  wait: ["15s", "30s", "45s", "1m", "90s", "2m", "3m", "4m", "5m", "7m", "10m", "15m", "20m"],
  hold: ["0s", "15s", "30s", "1m", "90s", "2m", "3m", "4m", "5m", "10m"],
  answer: ["1m", "2m", "5m", "10m", "15m", "20m", "30m", "45m", "1h", "2h"],
  long: ["15m", "30m", "45m", "1h", "90m", "2h", "3h", "4h", "6h", "12h"],
  share: ["1%", "2%", "3%", "5%", "7%", "10%", "12%", "15%", "20%", "25%", "30%", "40%", "50%"],
  points: ["0.1pp", "0.2pp", "0.5pp", "1pp", "2pp", "3pp", "5pp", "10pp", "15pp"],
  believed: ["5%", "10%", "15%", "20%", "30%", "40%", "50%", "75%", "100%"],
  sure: ["50%", "60%", "70%", "80%", "85%", "90%", "95%", "98%", "99%"],
  times: ["0.5", "0.6", "0.8", "1", "1.25", "1.5", "2", "3", "4"],
  count: ["1", "2", "3", "5", "8", "13"],
};

export function knobsOf({ text, policy }: Pick<CatalogEntry, "text" | "policy">): readonly Knob[] {
  const parsed = yamlValue(text, "policy.yaml", POLICY_LIMITS);
  const tree: Tree = isTree(parsed) ? parsed : {};
  const here = new Place(tree, policy);
  return [
    ...here.steps("watch", "watch for", "policy", "long"),
    ...here.choice("fusion", "a breach is", "policy", ["any", "all", "evidence"]),
    ...tierKnobs(here, policy),
    ...assignKnobs(tree),
    ...here.names("signals").flatMap((name) => [
      ...here.steps(
        `signals.${name}.tolerance`,
        `${name} tolerates`,
        "signals",
        here.value(`signals.${name}.tolerance`)?.endsWith("pp") === true ? "points" : "share",
      ),
      // Of a tolerance with a floor only the share has a ladder.
      ...here.steps(`signals.${name}.tolerance.change`, `${name} tolerates`, "signals", "share"),
      ...here.steps(`signals.${name}.hold`, `${name} must last`, "signals", "hold"),
      ...here.steps(`signals.${name}.clear`, `${name} is over after`, "signals", "hold"),
    ]),
    ...here
      .names("modes")
      .flatMap((name) => [
        ...here.toggle(`modes.${name}`, `mode ${name}`, "modes"),
        ...here.steps(`modes.${name}.toleranceTimes`, `${name} tolerance ×`, "modes", "times"),
        ...here
          .names(`modes.${name}.tier`)
          .flatMap((from) =>
            here.choice(`modes.${name}.tier.${from}`, `${name}: ${from} becomes`, "modes", TIERS),
          ),
      ]),
    ...here
      .names("context")
      .flatMap((tag) => [
        ...here.toggle(`context.${tag}`, `tag ${tag}`, "context"),
        ...here.steps(`context.${tag}.max`, `${tag} is believed up to`, "context", "believed"),
        ...here.steps(`context.${tag}.for`, `${tag} counts for`, "context", "long"),
        ...here.choice(`context.${tag}.tierAtLeast`, `${tag} wants at least`, "context", TIERS),
      ]),
    ...here.steps("guardrails.toleranceAtMost", "tolerance at most", "guardrails", "believed"),
    ...here.steps("guardrails.cooldown", "cooldown", "guardrails", "long"),
    ...here.steps("guardrails.rollbackBudget.max", "rollbacks at most", "guardrails", "count"),
  ];
}

function tierKnobs(here: Place, { fusion }: Policy): Knob[] {
  const silence = ["rollback", "hold"];
  return [
    ...here.steps("tiers.override.window", "override window", "tiers", "wait"),
    ...here.choice("tiers.override.onTimeout", "on silence", "tiers", silence),
    ...here.steps("tiers.approve.sla", "approval within", "tiers", "answer"),
    ...here.choice("tiers.approve.onExpiry", "without an approval", "tiers", silence),
    ...(fusion === "evidence" ? TIERS : []).flatMap((tier) =>
      here.steps(`tiers.${tier}.confidence`, `${tier} asks for`, "tiers", "sure"),
    ),
  ];
}

/** One for each rule of the file itself; rules that are inherited are changed where they are. */
function assignKnobs(tree: Tree): Knob[] {
  const rules: unknown = tree["assign"];
  if (!Array.isArray(rules)) return [];
  return rules.flatMap((rule: unknown, index): Knob[] => {
    if (!isTree(rule)) return [];
    const key = "otherwise" in rule ? "otherwise" : "tier";
    const value = rule[key];
    if (typeof value !== "string") return [];
    const label = key === "otherwise" ? "everything else" : conditionText(rule["when"]);
    const control = { control: "choice", unit: "word", value, values: TIERS } as const;
    return [{ path: `assign.${index}.${key}`, label, group: "assign", ...control }];
  });
}

function conditionText(when: unknown): string {
  if (!isTree(when)) return "always";
  const told = (value: unknown): string =>
    Array.isArray(value)
      ? value.map(String).join(" or ")
      : isTree(value)
        ? Object.entries(value)
            .map(([name, one]) => `${name} = ${told(one)}`)
            .join(" and ")
        : String(value);
  return Object.entries(when)
    .map(([name, value]) => (name === "tags" ? told(value) : `${name} ${told(value)}`))
    .join(", ");
}

class Place {
  constructor(
    private readonly tree: Tree,
    private readonly policy: Policy,
  ) {}

  names(path: string): readonly string[] {
    const at = path.split(".");
    if (at.some((part) => part === "")) return [];
    return childrenOf(this.tree, this.policy, at).filter((name) => !name.includes("."));
  }

  value(path: string): string | null {
    const found = oldValue(this.tree, this.policy, path.split("."));
    return found === NOTHING ? null : found;
  }

  steps(path: string, label: string, group: Knob["group"], ladder: string): Knob[] {
    const value = this.value(path);
    const known = own(LADDERS, ladder)!;
    if (value === null || sizeOf(value) === null) return [];
    const unit = unitOf(known[1]!);
    const values = known.some((one) => sizeOf(one) === sizeOf(value))
      ? known.map((one) => (sizeOf(one) === sizeOf(value) ? value : one))
      : [...known, value].sort((a, b) => sizeOf(a)! - sizeOf(b)!);
    return [{ path, label, group, control: "steps", unit, value, values }];
  }

  choice(
    path: string,
    label: string,
    group: Knob["group"],
    words: readonly string[],
  ): readonly Knob[] {
    const value = this.value(path);
    if (value === null) return [];
    const values = words.includes(value) ? words : [...words, value];
    return [{ path, label, group, control: "choice", unit: "word", value, values }];
  }

  /** Only what the file itself says can be taken away from it. */
  toggle(path: string, label: string, group: Knob["group"]): readonly Knob[] {
    const written = path
      .split(".")
      .reduce<unknown>((at, part) => (isTree(at) ? own(at, part) : undefined), this.tree);
    if (written === undefined) return [];
    const value = JSON.stringify(written);
    return [{ path, label, group, control: "toggle", unit: "word", value, values: [value] }];
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** In milliseconds, per cent, points or as it is; null for a word. */
function sizeOf(text: string): number | null {
  const match = /^([+-]?\d+(?:\.\d+)?)(?:%|pp)?$/.exec(text);
  return match === null ? parseDuration(text) : Number(match[1]);
}

function unitOf(text: string): Knob["unit"] {
  if (text.endsWith("%")) return "share";
  if (text.endsWith("pp")) return "points";
  return /[a-z]$/.test(text) ? "duration" : "number";
}
