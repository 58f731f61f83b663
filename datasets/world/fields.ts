/**
 * The kinds of value a world file holds. Each says what is wrong and, after a bar,
 * the cure: `"5" is not a share|Write a percentage …`.
 */

import { own, type JsonObject } from "../../engine/index.ts";
import { z } from "zod";

const UNIT_MS: JsonObject<number> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DAY_MS = 86_400_000;

/** `60s`, `1h30m`, `13w` → milliseconds. */
export const duration = z.unknown().transform((value, context) => {
  if (typeof value === "string" && /^(\d+[smhdw])+$/.test(value)) {
    const parts = value.match(/\d+[smhdw]/g) ?? [];
    return parts.reduce(
      (sum, part) => sum + Number(part.slice(0, -1)) * own(UNIT_MS, part.at(-1)!)!,
      0,
    );
  }
  context.addIssue(
    `${show(value)} is not a duration|Write a number and a unit: 60s, 90m, 1h30m, 13w.`,
  );
  return z.NEVER;
});

/** `5%` → 0.05. */
export const share = z.unknown().transform((value, context) => {
  if (typeof value === "string" && /^\d+(\.\d+)?%$/.test(value)) {
    const amount = Number(value.slice(0, -1)) / 100;
    if (amount <= 1) return amount;
  }
  context.addIssue(
    `${show(value)} is not a share|Write a percentage between 0% and 100%, such as 5%.`,
  );
  return z.NEVER;
});

export const midnight = z.unknown().transform((value, context) => {
  const atMs = typeof value === "string" && value.endsWith("Z") ? Date.parse(value) : Number.NaN;
  if (Number.isFinite(atMs) && atMs % DAY_MS === 0) return atMs;
  context.addIssue(`${show(value)} is not a UTC midnight|Write it like 2026-07-01T00:00:00Z.`);
  return z.NEVER;
});

export const timezone = z.unknown().transform((value, context) => {
  if (typeof value === "string") {
    try {
      new Intl.DateTimeFormat("en-US", { timeZone: value });
      return value;
    } catch {
      // Not a zone: reported below.
    }
  }
  context.addIssue(`${show(value)} is not a time zone|Use an IANA name such as Europe/Berlin.`);
  return z.NEVER;
});

export function whole(low: number, high: number) {
  return z.unknown().transform((value, context) => {
    if (typeof value === "number" && Number.isInteger(value) && value >= low && value <= high)
      return value;
    context.addIssue(
      `${show(value)} is not allowed here|Write a whole number from ${low} to ${high}.`,
    );
    return z.NEVER;
  });
}

export function rate(high: number) {
  return z.unknown().transform((value, context) => {
    if (typeof value === "number" && value >= 0 && value <= high) return value;
    context.addIssue(`${show(value)} is not a rate|Write a number from 0 to ${high}.`);
    return z.NEVER;
  });
}

/** `[20%, 60%]`: the lowest and the highest of what is drawn. */
export function range(of: z.ZodType<number>) {
  return z.unknown().transform((value, context): readonly [number, number] => {
    const [low, high] = Array.isArray(value) ? value.map((one) => of.safeParse(one)) : [];
    if (Array.isArray(value) && value.length === 2 && low!.success && high!.success) {
      if (low!.data <= high!.data) return [low!.data, high!.data];
    }
    context.addIssue(
      `${show(value)} is not a range|Write [lowest, highest], each as it would be alone.`,
    );
    return z.NEVER;
  });
}

export function name() {
  return z.unknown().transform((value, context) => {
    if (typeof value === "string" && /^[a-z0-9][\w./-]*$/i.test(value)) return value;
    context.addIssue(`${show(value)} is not a name|Use letters, digits and dashes.`);
    return z.NEVER;
  });
}

export const sentence = z.unknown().transform((value, context) => {
  if (typeof value === "string" && value.trim() !== "") return value.trim();
  context.addIssue(`${show(value)} is not a sentence|Say in a sentence what this is good for.`);
  return z.NEVER;
});

/** `true` or `false`, as YAML writes them. */
export const yesOrNo = z.unknown().transform((value, context) => {
  if (typeof value === "boolean") return value;
  context.addIssue(`${show(value)} is neither true nor false|Write true or false.`);
  return z.NEVER;
});

type Shares<Needed extends string, Optional extends string> = Readonly<
  Record<Needed, number> & Partial<Record<Optional, number>>
>;

/**
 * Named shares that must add up to 100 %, or (`atMost`) not exceed it. An optional one
 * that is not in the file is not in the result either: it takes no part in any draw.
 */
export function shares<Needed extends string, Optional extends string = never>(
  needed: readonly Needed[],
  sum: "exactly" | "atMost",
  optional: readonly Optional[] = [],
) {
  const shape = Object.fromEntries([
    ...needed.map((key) => [key, share]),
    ...optional.map((key) => [key, share.optional()]),
  ]) as Record<Needed, typeof share> & Record<Optional, z.ZodOptional<typeof share>>;
  return z
    .strictObject(shape)
    .superRefine((value, context) => {
      const amounts = Object.values(value) as (number | undefined)[];
      const total = amounts.reduce<number>((a, b) => a + (b ?? 0), 0);
      const percent = Math.round(total * 1e6) / 1e4;
      if (sum === "exactly" && percent !== 100) {
        context.addIssue(
          `these shares add up to ${percent}%|Change them so that they add up to 100%.`,
        );
      } else if (percent > 100) {
        context.addIssue(`these shares add up to ${percent}%|Together they may not exceed 100%.`);
      }
    })
    .transform((value) => {
      const given = Object.entries(value).filter(([, amount]) => amount !== undefined);
      return Object.fromEntries(given) as unknown as Shares<Needed, Optional>;
    });
}

function show(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
