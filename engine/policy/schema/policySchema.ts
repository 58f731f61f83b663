/**
 * The policy language: what may be written, with its defaults.
 *
 * Unknown keys are errors: a misspelt guardrail must never be silently absent.
 */

import { z } from "zod";
import { assignment, mode, stage, tiers } from "./authority.ts";
import { agent, contextRule, explore, guardrails, hardGuard, learning } from "./context.ts";
import { isAboutErrors } from "../declared.ts";
import { own } from "../../json.ts";
import { SIGNALS_AT_MOST } from "../limits.ts";
import { formatDuration } from "../quantity.ts";
import { signal } from "./signal.ts";
import { properShare, properWait } from "./values.ts";

/** The tag whose value is `{metric, change}`: it may be about any signal. */
const NAMES_ITS_METRIC = "expected_change";

/** The written form. Its input type is what the published JSON Schema describes. */
export const policySchema = z
  .strictObject({
    policy: z.string().min(1),
    owner: z.string({ error: "an accountable owner is required" }).trim().min(1, {
      error: "an accountable owner is required",
    }),
    watch: properWait.default(3_600_000),
    signals: z.record(z.string(), signal),
    fusion: z
      .union(
        [
          z.enum(["any", "all", "evidence"]),
          z.strictObject({ atLeast: z.int().min(1) }),
          z.strictObject({ weight: z.number().positive() }),
        ],
        { error: "expected any, all, evidence, { atLeast: N } or { weight: N }" },
      )
      .default("any"),
    changeFailureRate: properShare
      .refine((value) => value >= 0.01 && value <= 0.3, "expected a share from 1% to 30%")
      .default(0.05),
    silence: properWait.optional(),
    attribution: z.enum(["on", "off"], { error: "expected on or off" }).default("on"),
    tiers: tiers.prefault({}),
    assign: z.array(assignment).min(1, "name at least { otherwise: TIER }"),
    modes: z.record(z.string(), mode).default({}),
    stages: z.record(z.string(), stage).default({}),
    context: z.record(z.string(), contextRule).default({}),
    guardrails: guardrails.prefault({}),
    hardGuard: z.record(z.string(), hardGuard).default({}),
    learning: learning.optional(),
    explore: explore.optional(),
    agents: z.record(z.string().min(1), agent).default({}),
  })
  .superRefine((policy, context) => {
    const issue = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if (Object.keys(policy.signals).length === 0) issue(["signals"], "name at least one signal");
    for (const [name, { watch }] of Object.entries(policy.signals)) {
      if (typeof watch !== "number" || watch <= policy.watch) continue;
      const [own, all] = [watch, policy.watch].map(formatDuration);
      const message = `${own} is longer than the policy's watch, ${all}: make that longer`;
      issue(["signals", name, "watch"], message);
    }
    const { fusion } = policy;
    const count = Object.keys(policy.signals).length;
    if (count > SIGNALS_AT_MOST) {
      issue(["signals"], `${count} signals, and a policy has at most ${SIGNALS_AT_MOST}`);
    }
    if (typeof fusion === "object" && "atLeast" in fusion && count > 0 && fusion.atLeast > count) {
      issue(["fusion", "atLeast"], `cannot be more than the number of signals, ${count}`);
    }
    if (typeof fusion === "object" && "weight" in fusion) {
      const weights = Object.values(policy.signals).map(({ weight }) => weight);
      const all = weights.reduce((sum, weight) => sum + weight, 0);
      if (count > 0 && fusion.weight > all) {
        issue(["fusion", "weight"], `cannot be more than the signals' weights together, ${all}`);
      }
    }
    if (policy.learning?.fromOverrides === true && fusion !== "evidence") {
      const name = typeof fusion === "object" ? Object.keys(fusion)[0]! : fusion;
      const cure = "write `fusion: evidence`, or `learning: { fromOverrides: false }`";
      const message = `lowers a confidence, and under \`fusion: ${name}\` there is none: ${cure}`;
      issue(["learning"], message);
    }
    if (policy.explore !== undefined) {
      for (const name of Object.keys(policy.signals)) {
        if (Object.hasOwn(policy.hardGuard, name)) continue;
        const cure = `write \`hardGuard: { ${name}: { times: 3 } }\``;
        issue(["explore"], `nothing ends a wait while ${name} grows: ${cure}`);
      }
    }
    const { windowAtLeast = 0 } = policy.guardrails;
    const { window } = policy.tiers.override;
    if (window < windowAtLeast) {
      const floor = formatDuration(windowAtLeast);
      const length = formatDuration(window);
      const message = `${length} is shorter than guardrails.windowAtLeast, ${floor}`;
      issue(["tiers", "override", "window"], message);
    }
    const last = policy.assign[policy.assign.length - 1];
    if (last !== undefined && !("otherwise" in last)) {
      issue(["assign"], "end the list with { otherwise: TIER }, so that every deployment has one");
    }
    policy.assign.slice(0, -1).forEach((entry, index) => {
      if ("otherwise" in entry) issue(["assign", index], "`otherwise` hides every rule below it");
    });
    const known = (name: string): boolean => Object.hasOwn(policy.signals, name);
    const names = Object.keys(policy.signals).join(", ");
    for (const [tag, rule] of Object.entries(policy.context)) {
      if (rule.signal !== undefined && !known(rule.signal)) {
        issue(["context", tag, "signal"], `no such signal; this policy has ${names}`);
      }
      if (rule.shifts !== undefined && rule.signal === undefined && tag !== NAMES_ITS_METRIC) {
        const other = `only \`${NAMES_ITS_METRIC}\` names its metric itself`;
        issue(["context", tag], `say which \`signal\` this tag shifts; ${other}`);
      }
      const quieted = own(policy.signals, rule.signal ?? "");
      if (rule.quietsDependants && quieted !== undefined) {
        if (isAboutErrors({ name: rule.signal!, ...quieted })) {
          const cure = "errors of a caller need a tag of their own; name another signal, or none";
          issue(["context", tag, "signal"], `no dependency quiets errors: ${cure}`);
        }
      }
    }
    for (const [name, rule] of Object.entries(policy.hardGuard)) {
      if (!known(name)) issue(["hardGuard", name], `no such signal; this policy has ${names}`);
      const worse = own(policy.signals, name)?.worse;
      if (rule.over !== undefined && worse === "down") {
        issue(["hardGuard", name, "over"], "this signal is worse down: write `under`");
      }
      if (rule.under !== undefined && worse === "up") {
        issue(["hardGuard", name, "under"], "this signal is worse up: write `over`");
      }
    }
    const reaches = new Map<number, string>();
    for (const [name, entry] of Object.entries(policy.stages)) {
      const twin = reaches.get(entry.upTo);
      if (twin !== undefined) {
        issue(["stages", name, "upTo"], `two stages have the same \`upTo\`: this one and ${twin}`);
      }
      reaches.set(entry.upTo, name);
      for (const [one, { tolerance }] of Object.entries(entry.signals)) {
        const path = ["stages", name, "signals", one];
        const base = own(policy.signals, one)?.tolerance;
        if (base === undefined) issue(path, `no such signal; this policy has ${names}`);
        else if (tolerance !== undefined && tolerance.kind !== base.kind) {
          const unit = base.kind === "points" ? "percentage points (1pp)" : "a share (10%)";
          issue([...path, "tolerance"], `this signal is tolerated in ${unit}`);
        }
      }
    }
    const hasCalendar = Object.values(policy.modes).some(({ calendar }) => calendar !== undefined);
    for (const [name, entry] of Object.entries(policy.modes)) {
      if (entry.otherwise && !hasCalendar) {
        issue(["modes", name, "otherwise"], "needs a mode with a `calendar` to be the rest of");
      }
      entry.signals?.forEach((one, index) => {
        if (!known(one)) {
          issue(["modes", name, "signals", index], `no such signal; this policy has ${names}`);
        }
      });
    }
  });
