/** What is worth varying of a policy, and with which values to begin. */

import type { Knob, PolicyDetail } from "../../../lab/server/contract/policies.ts";

/** One `--vary`. */
export interface Vary {
  readonly path: string;
  readonly values: string;
}

export interface Suggestion {
  readonly words: string;
  readonly vary: readonly Vary[];
}

/** A handful around what is there now. */
const AROUND = 2;

export function valuesAround(knob: Knob): string {
  if (knob.control !== "steps") return knob.values.join(",");
  const at = knob.values.indexOf(knob.value ?? "");
  if (at < 0) return knob.values.slice(0, 2 * AROUND + 1).join(",");
  const from = Math.max(0, Math.min(at - AROUND, knob.values.length - 2 * AROUND - 1));
  return knob.values.slice(from, from + 2 * AROUND + 1).join(",");
}

export function parseVary(text: string): Vary {
  const equals = text.indexOf("=");
  return equals < 0
    ? { path: text, values: "" }
    : { path: text.slice(0, equals), values: text.slice(equals + 1) };
}

export function varyText({ path, values }: Vary): string {
  return `${path}=${values}`;
}

/** Knobs that a sweep can vary: those with several values. */
export function variable(detail: PolicyDetail): readonly Knob[] {
  return detail.knobs.filter(({ control }) => control !== "toggle");
}

export function suggestionsOf(detail: PolicyDetail): readonly Suggestion[] {
  const knobs = variable(detail);
  const around = (path: string): Vary[] => {
    const knob = knobs.find((one) => one.path === path);
    return knob === undefined ? [] : [{ path, values: valuesAround(knob) }];
  };
  const tolerances = detail.signals.slice(0, 2).map(({ name }) => `signals.${name}.tolerance`);
  const all: Suggestion[] = [
    {
      words: "how long people may object, and how long a breach must last",
      vary: [
        ...around("tiers.override.window"),
        { path: "signals.*.hold", values: "0s,30s,1m,2m" },
      ],
    },
    {
      words: "how much is tolerated",
      vary: tolerances.flatMap(around),
    },
    {
      words: "how sure it must be, and how long people may object",
      vary: [...around("tiers.override.confidence"), ...around("tiers.override.window")],
    },
    {
      words: "how long an approval may take",
      vary: [...around("tiers.approve.sla"), ...around("tiers.approve.onExpiry")],
    },
  ];
  return all.filter(({ vary }) => vary.length > 1);
}

/** How many combinations, as far as it can be told here; null: a range that has no end. */
export function countOfGrid(vary: readonly Vary[]): number | null {
  let count = 1;
  for (const { values } of vary) {
    if (values.includes("..")) {
      const steps = /\/(\d+)/.exec(values)?.[1];
      if (steps === undefined) return null;
      count *= Number(steps);
    } else {
      count *= values.split(",").filter((one) => one.trim() !== "").length;
    }
  }
  return count;
}
