/**
 * What is allowed in a policy and is hardly ever meant: settings that nothing reaches, and
 * combinations that leave people no say. A reviewer would ask about each.
 *
 * Bias: only what can be seen in the file. Whether a window is long enough for the people
 * who are asked, a replay says.
 */

import { own } from "../json.ts";
import type { TierName } from "../record.ts";
import { neverFirst } from "./floors.ts";
import type { Condition, Policy } from "./policy.ts";
import { formatDuration, formatShare } from "./quantity.ts";
import { tiersGiven } from "./resolve.ts";

type Path = readonly (string | number)[];

export interface Smell {
  readonly path: Path;
  readonly message: string;
  readonly cure: string;
}

/** Nobody who has to be paged and to look answers sooner. */
const FASTEST_ANSWER_MS = 60_000;
const ACTING: readonly TierName[] = ["full", "override", "approve"];

/** @param isWritten is something written at this path, or is it a default? */
export function smellsOf(policy: Policy, isWritten: (path: Path) => boolean): readonly Smell[] {
  // The incumbent is what it is: `policy lint` looks at its own files.
  if (policy.incumbent !== undefined) return [];
  const reached = reachedTiers(policy);
  return [
    ...windows(policy, reached),
    ...unreachedRules(policy),
    ...unreachedTiers(policy, reached, isWritten),
    ...emptyModes(policy, reached),
    ...lastingModes(policy),
    ...tolerances(policy),
    ...approvals(policy, reached),
    ...confidences(policy, isWritten),
    ...idleEvidence(policy),
    ...irreversible(policy, reached),
  ];
}

function reachedTiers(policy: Policy): ReadonlySet<TierName> {
  const reached = new Set(tiersGiven(policy));
  // A breach on a short history is asked about, whatever the tier.
  if (reached.has("full")) reached.add("override");
  return reached;
}

function windows({ tiers, signals }: Policy, reached: ReadonlySet<TierName>): Smell[] {
  const { windowMs, onTimeout } = tiers.override;
  if (!reached.has("override") || onTimeout === "hold") return [];
  const path = ["tiers", "override", "window"];
  const window = formatDuration(windowMs);
  if (windowMs < FASTEST_ANSWER_MS) {
    const message = `people cannot answer within ${window}: this is full autonomy with a page`;
    return [{ path, message, cure: "Give people a minute at least, or say `full`." }];
  }
  const slow = signals.find(({ holdMs }) => holdMs > windowMs);
  if (slow === undefined) return [];
  const hold = formatDuration(slow.holdMs);
  const message = `${window} to object to a breach that took ${hold} to be believed (${slow.name})`;
  return [{ path, message, cure: "Make the window as long as the hold, or the hold shorter." }];
}

function unreachedRules({ assign }: Policy): Smell[] {
  return neverFirst(assign).map((index) => ({
    path: ["assign", index],
    message: "this rule never matches: an earlier one takes all it would",
    cure: "Put it before that rule, or leave it out.",
  }));
}

function unreachedTiers(
  policy: Policy,
  reached: ReadonlySet<TierName>,
  isWritten: (path: Path) => boolean,
): Smell[] {
  // A guardrail may give `observe` to anything.
  return ACTING.filter((tier) => !reached.has(tier) && isWritten(["tiers", tier])).map((tier) => ({
    path: ["tiers", tier],
    message: `no rule, mode, stage or tag gives the tier ${tier}`,
    cure: "Name it in `assign`, or leave its settings out.",
  }));
}

function emptyModes({ modes }: Policy, reached: ReadonlySet<TierName>): Smell[] {
  return modes.flatMap(({ name, tier, toleranceTimes }) => {
    const moves = Object.entries(tier).some(
      ([from, to]) => from !== to && reached.has(from as TierName),
    );
    if (moves || toleranceTimes !== 1) return [];
    const message = "this mode changes nothing: no tolerance, and no tier that anything has";
    return [{ path: ["modes", name], message, cure: "Say what changes while it is in force." }];
  });
}

/** A tag without a rule in `context` counts until its own end, and most declare none. */
function lastingModes({ modes, context }: Policy): Smell[] {
  const bounded = new Set(context.map(({ tag }) => tag));
  return modes.flatMap(({ name, when }) =>
    Object.entries(when.tags ?? {})
      .filter(([tag, value]) => value !== "false" && !bounded.has(tag))
      .map(([tag]) => ({
        path: ["modes", name, "when", "tags", tag],
        message: `the tag ${tag} switches this mode on, and it may have no end`,
        cure: `Write context: { ${tag}: { for: 2h } }.`,
      })),
  );
}

function tolerances({ signals, guardrails, context }: Policy): Smell[] {
  const ceiling = guardrails.toleranceAtMost;
  return signals.flatMap(({ name, tolerance, hardGuard }) => {
    const path = ["signals", name, "tolerance"];
    if (ceiling !== null && tolerance.kind === "relative" && tolerance.amount > ceiling) {
      const [own, most] = [formatShare(tolerance.amount), formatShare(ceiling)];
      const message = `${own} is above toleranceAtMost, ${most}, which binds tags and modes only`;
      return [{ path, message, cure: "Lower the tolerance, or raise what may be reached." }];
    }
    const shifted = context.find(
      ({ shifts, signal }) => shifts === "tolerance" && (signal === null || signal === name),
    );
    if (shifted === undefined || ceiling !== null || hardGuard !== undefined) return [];
    return [
      {
        path: ["context", shifted.tag],
        message: `a tag lifts the tolerance of ${name}, and no ceiling or hard guard bounds it`,
        cure: "Write guardrails.toleranceAtMost, or a hardGuard for the signal.",
      },
    ];
  });
}

function approvals({ tiers }: Policy, reached: ReadonlySet<TierName>): Smell[] {
  const { escalate, onExpiry, slaMs } = tiers.approve;
  if (!reached.has("approve") || onExpiry !== "rollback" || escalate.length > 0) return [];
  const waited = formatDuration(slaMs);
  const message = `without an answer in ${waited} the machine acts, and no other person is asked`;
  const cure = "Escalate, or hold. The tier `override` is the one that acts on silence.";
  return [{ path: ["tiers", "approve", "onExpiry"], message, cure }];
}

function confidences(policy: Policy, isWritten: (path: Path) => boolean): Smell[] {
  const { tiers, fusion } = policy;
  const path = (tier: TierName): Path => ["tiers", tier, "confidence"];
  if (fusion !== "evidence") {
    return [...ACTING, "observe" as const]
      .filter((tier) => isWritten(path(tier)))
      .map((tier) => ({
        path: path(tier),
        message: "only `fusion: evidence` asks for a confidence",
        cure: "Write `fusion: evidence`, or leave it out.",
      }));
  }
  return (
    [
      ["full", "override"],
      ["override", "approve"],
    ] as const
  ).flatMap(([more, less]) => {
    const [high, low] = [tiers[more].confidence, tiers[less].confidence];
    if (high >= low) return [];
    const [own, other] = [formatShare(high), formatShare(low)];
    const message = `${more} asks for ${own}, less than ${less} with ${other}`;
    return [
      { path: path(more), message, cure: "The more a machine may do, the surer it should be." },
    ];
  });
}

/**
 * Beside an agent's word, the evidence of one signal is asked for. Where that is a breach, and one
 * breach is enough to act on, our own evidence decides and the word adds nothing. It only
 * makes the policy look again, at once, at a breach that a restraint held.
 */
function idleEvidence({ agents = [], fusion, signals, evidence: { weights } }: Policy): Smell[] {
  const weightOf = (name: string): number => own(weights, name) ?? 0;
  const isOneEnough =
    fusion !== "evidence" &&
    (fusion === "any" ||
      (fusion === "all"
        ? signals.length === 1
        : "atLeast" in fusion
          ? fusion.atLeast === 1
          : signals.every(({ name }) => weightOf(name) >= fusion.weight)));
  if (!isOneEnough) return [];
  return agents.flatMap(({ name, needsEvidence }) => {
    if (!needsEvidence) return [];
    const path = ["agents", name, "needsEvidence"];
    const message = `one breach is enough to act on, so the word of ${name} adds nothing to it`;
    const cure = "Write `fusion: evidence`, where weaker evidence counts, or leave it out.";
    return [{ path, message, cure }];
  });
}

function irreversible(policy: Policy, reached: ReadonlySet<TierName>): Smell[] {
  if (!ACTING.some((tier) => reached.has(tier))) return [];
  const { guardrails, assign } = policy;
  const names = (when: Condition | null): boolean => {
    const value = when?.tags?.["irreversible"];
    return value !== undefined && value !== "false";
  };
  const kept =
    guardrails.never.some(names) ||
    assign.some(({ when, tier }) => tier === "observe" && names(when));
  if (kept) return [];
  return [
    {
      path: ["guardrails", "never"],
      message: "a change that cannot be undone may be rolled back by the machine",
      cure: "Write never: [{ when: { tags: { irreversible: true } } }].",
    },
  ];
}
