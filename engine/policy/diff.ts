/** What two policies do differently, in words a reviewer of a policy change reads. */

import { outline, textOf, type Outline } from "./outline.ts";
import type { Policy } from "./policy.ts";
import { directionOf, type Tightness } from "./tighten.ts";

export interface PolicyDifference {
  /** As in the file; of an entry of a list, its index in the policy that has it. */
  readonly path: readonly (string | number)[];
  /** As printed; null where it is not there. */
  readonly before: string | null;
  readonly after: string | null;
  /** Of what a child policy may only tighten; null for everything else. */
  readonly direction: Tightness | null;
  readonly text: string;
}

type Path = readonly (string | number)[];

/** In the order of the file; empty where the digests are equal. */
export function diffPolicies(before: Policy, after: Policy): readonly PolicyDifference[] {
  return compare(outline(before), outline(after), []);
}

function compare(
  before: Outline | undefined,
  after: Outline | undefined,
  path: Path,
): PolicyDifference[] {
  if (before?.kind === "list" || after?.kind === "list") {
    const items = (one: Outline | undefined): readonly string[] =>
      one === undefined ? [] : one.kind === "list" ? one.items : [textOf(one)];
    return compareLists(items(before), items(after), path);
  }
  if (before?.kind === "map" && after?.kind === "map") {
    const kinds = [before, after].map(({ entries }) => entries.get("kind"));
    if (kinds[0] !== undefined && kinds[1] !== undefined && textOf(kinds[0]) !== textOf(kinds[1])) {
      return [said(path, textOf(before), textOf(after), null)];
    }
    const keys = new Set([...before.entries.keys(), ...after.entries.keys()]);
    return [...keys].flatMap((key) =>
      compare(before.entries.get(key), after.entries.get(key), [...path, key]),
    );
  }
  const isIncumbent = path.join(".") === "incumbent";
  const texts = [before, after].map((one) =>
    one === undefined ? null : isIncumbent ? systemText(one) : textOf(one),
  );
  const values = [before, after].map((one) => (one?.kind === "leaf" ? one.value : null));
  const same =
    before?.kind === "leaf" && after?.kind === "leaf"
      ? values[0] === values[1]
      : texts[0] === texts[1];
  if (same) return [];
  return [said(path, texts[0]!, texts[1]!, directionOf(path, values[0]!, values[1]!))];
}

/** Which system an incumbent is of: its plan is pages long, and nothing of it stays. */
function systemText(incumbent: Outline): string {
  const system = incumbent.kind === "map" ? incumbent.entries.get("system") : undefined;
  return textOf(system ?? incumbent);
}

function compareLists(
  before: readonly string[],
  after: readonly string[],
  path: Path,
): PolicyDifference[] {
  const tight = path.join(".") === "guardrails.never";
  const lost = before.flatMap((item, index) =>
    after.includes(item) ? [] : [said([...path, index], item, null, tight ? "loosened" : null)],
  );
  const gained = after.flatMap((item, index) =>
    before.includes(item) ? [] : [said([...path, index], null, item, tight ? "tightened" : null)],
  );
  if (lost.length > 0 || gained.length > 0) return [...lost, ...gained];
  if (before.join("\n") === after.join("\n")) return [];
  return [said(path, before.join("; "), after.join("; "), null)];
}

function said(
  path: Path,
  before: string | null,
  after: string | null,
  known: Tightness | null,
): PolicyDifference {
  const rail = path[0] === "guardrails" ? (before === null ? "tightened" : "loosened") : null;
  const direction = before === null || after === null ? (known ?? rail) : known;
  const isItem = typeof path[path.length - 1] === "number" && path[0] !== "assign";
  const subject = subjectOf(isItem ? path.slice(0, -1) : path);
  const what =
    before === null
      ? `${subject} ${isItem ? "gains" : "is new"}: ${after}`
      : after === null
        ? `${subject} ${isItem ? "loses" : "is gone"}: ${before}`
        : `${subject} ${before} → ${after}`;
  const end = direction === null ? "" : ` (${direction})`;
  const shown = path[0] === "assign" && path[1] === "rules" ? ["assign", ...path.slice(2)] : path;
  return { path: shown, before, after, direction, text: `${what}${end}` };
}

/** The words for a path, the longest pattern first; `*` is a name. */
const SUBJECTS: readonly (readonly [RegExp, string])[] = [
  [/^policy$/, "name"],
  [/^changeFailureRate$/, "change failure rate"],
  [/^signals\.([^.]+)$/, "signal $1"],
  [/^signals\.([^.]+)\.tolerance$/, "$1 tolerates"],
  [/^signals\.([^.]+)\.hold$/, "$1 must breach for"],
  [/^signals\.([^.]+)\.clear$/, "$1 is over after"],
  [/^signals\.([^.]+)\.watch$/, "$1 is judged for"],
  [/^signals\.([^.]+)\.(.+)$/, "$1 $2"],
  [/^tiers\.override\.onTimeout$/, "override on silence"],
  [/^tiers\.approve\.onExpiry$/, "approve on silence"],
  [/^tiers\.approve\.sla$/, "approve SLA"],
  [/^tiers\.([^.]+)\.confidence$/, "$1 asks for confidence"],
  [/^tiers\.([^.]+)\.(.+)$/, "$1 $2"],
  [/^assign\.rules\.(\d+)$/, "assign[$1]"],
  [/^assign\.rules$/, "assign in another order:"],
  [/^assign\.otherwise$/, "every other deployment"],
  [/^modes\.([^.]+)\.tier\.([^.]+)$/, "mode $1 makes $2"],
  [/^modes\.([^.]+)\.toleranceTimes$/, "mode $1 tolerance times"],
  [/^modes\.([^.]+)(.*)$/, "mode $1$2"],
  [/^stages\.([^.]+)$/, "stage $1"],
  [/^stages\.([^.]+)\.upTo$/, "stage $1 holds up to"],
  [/^stages\.([^.]+)\.tier\.([^.]+)$/, "stage $1 makes $2"],
  [/^stages\.([^.]+)\.signals\.([^.]+)\.tolerance$/, "tolerance of $2 at stage $1"],
  [/^stages\.([^.]+)\.signals\.([^.]+)\.tier$/, "tier of a breach of $2 at stage $1"],
  [/^stages\.([^.]+)(.*)$/, "stage $1$2"],
  [/^context\.([^.]+)\.max$/, "tag $1 counts up to"],
  [/^context\.([^.]+)\.for$/, "tag $1 counts for"],
  [/^context\.([^.]+)\.tierAtLeast$/, "tag $1 wants at least"],
  [/^context\.([^.]+)\.quietsDependants$/, "tag $1 quiets callers"],
  [/^context\.([^.]+)\.selfIssued$/, "self-issued tag $1"],
  [/^context\.([^.]+)(.*)$/, "tag $1$2"],
  [/^guardrails\.never$/, "never delegated"],
  [/^guardrails\.toleranceAtMost$/, "tolerance at most"],
  [/^guardrails\.windowAtLeast$/, "override window at least"],
  [/^guardrails\.rollbackBudget$/, "rollback budget"],
  [/^guardrails\.rollbackBudget\.(.+)$/, "rollback budget $1"],
  [/^guardrails\.stormBrake$/, "storm brake"],
  [/^guardrails\.stormBrake\.(.+)$/, "storm brake $1"],
  [/^guardrails\.(.+)$/, "$1"],
  [/^learning$/, "learning from overrides"],
  [/^learning\.halfLife$/, "what was learned weighs half after"],
  [/^learning\.atLeast$/, "similar proposals teach from a weight of"],
  [/^explore$/, "exploring"],
  [/^explore\.probability$/, "the coin waits in"],
  [/^explore\.upTo$/, "the coin is tossed up to so many tolerances:"],
  [/^explore\.delay$/, "the coin waits at most"],
  [/^agents\.([^.]+)$/, "agent $1"],
  [/^agents\.([^.]+)\.from$/, "agent $1 counts from"],
  [/^agents\.([^.]+)\.aloneFrom$/, "agent $1 needs no person from"],
  [/^agents\.([^.]+)\.needsEvidence$/, "agent $1 needs evidence of ours"],
  [/^learning\.discountAtMost$/, "learning lowers a confidence by at most"],
];

function subjectOf(path: Path): string {
  const text = path.join(".");
  const found = SUBJECTS.find(([pattern]) => pattern.test(text));
  return (found === undefined ? text : text.replace(...found)).replaceAll(".", " ");
}
