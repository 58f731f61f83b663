/**
 * The world file: what a simulated environment consists of, checked on the way in.
 *
 * Law: a file that passes needs no second look. Unknown keys are errors, all errors
 * are reported at once, and each names file, line, column and the cure.
 */

import { isMap, isScalar, LineCounter, parseDocument, type Document, type Node } from "yaml";
import { z } from "zod";
import { Problem, Problems } from "../../lab/problem.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DAY_MS = 86_400_000;

/** `60s`, `1h30m`, `13w` → milliseconds. */
const duration = z.unknown().transform((value, context) => {
  if (typeof value === "string" && /^(\d+[smhdw])+$/.test(value)) {
    const parts = value.match(/\d+[smhdw]/g) ?? [];
    return parts.reduce((sum, part) => sum + Number(part.slice(0, -1)) * UNIT_MS[part.at(-1)!]!, 0);
  }
  context.addIssue(
    `${show(value)} is not a duration|Write a number and a unit: 60s, 90m, 1h30m, 13w.`,
  );
  return z.NEVER;
});

/** `5%` → 0.05. */
const share = z.unknown().transform((value, context) => {
  if (typeof value === "string" && /^\d+(\.\d+)?%$/.test(value)) {
    const amount = Number(value.slice(0, -1)) / 100;
    if (amount <= 1) return amount;
  }
  context.addIssue(
    `${show(value)} is not a share|Write a percentage between 0% and 100%, such as 5%.`,
  );
  return z.NEVER;
});

const midnight = z.unknown().transform((value, context) => {
  const atMs = typeof value === "string" && value.endsWith("Z") ? Date.parse(value) : Number.NaN;
  if (Number.isFinite(atMs) && atMs % DAY_MS === 0) return atMs;
  context.addIssue(`${show(value)} is not a UTC midnight|Write it like 2026-07-01T00:00:00Z.`);
  return z.NEVER;
});

const timezone = z.unknown().transform((value, context) => {
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

function whole(low: number, high: number) {
  return z.unknown().transform((value, context) => {
    if (typeof value === "number" && Number.isInteger(value) && value >= low && value <= high)
      return value;
    context.addIssue(
      `${show(value)} is not allowed here|Write a whole number from ${low} to ${high}.`,
    );
    return z.NEVER;
  });
}

function rate(high: number) {
  return z.unknown().transform((value, context) => {
    if (typeof value === "number" && value >= 0 && value <= high) return value;
    context.addIssue(`${show(value)} is not a rate|Write a number from 0 to ${high}.`);
    return z.NEVER;
  });
}

function name() {
  return z.unknown().transform((value, context) => {
    if (typeof value === "string" && /^[a-z0-9][\w./-]*$/i.test(value)) return value;
    context.addIssue(`${show(value)} is not a name|Use letters, digits and dashes.`);
    return z.NEVER;
  });
}

/** Named shares that must add up to 100 %, or (`atMost`) not exceed it. */
function shares<Name extends string>(names: readonly Name[], sum: "exactly" | "atMost") {
  const shape = Object.fromEntries(names.map((key) => [key, share])) as Record<Name, typeof share>;
  return z.strictObject(shape).superRefine((value, context) => {
    const total = (Object.values(value) as number[]).reduce((a, b) => a + b, 0);
    const percent = Math.round(total * 1e6) / 1e4;
    if (sum === "exactly" && percent !== 100) {
      context.addIssue(
        `these shares add up to ${percent}%|Change them so that they add up to 100%.`,
      );
    } else if (percent > 100) {
      context.addIssue(`these shares add up to ${percent}%|Together they may not exceed 100%.`);
    }
  });
}

export const KINDS = ["code", "config", "feature_flag", "migration", "infrastructure"] as const;
export const ROLLOUTS = ["instant", "rolling", "canary"] as const;
export const REGRESSIONS = [
  "latency_step",
  "error_step",
  "error_burst",
  "ramp",
  "tail_only",
  "partial",
  "throughput_drop",
  "cold_cache",
  "downstream",
  "delayed",
] as const;
export const SURPRISES = [
  "cache_transient",
  "restart_blip",
  "traffic_surge",
  "coincident_incident",
  "dependency_failure",
  "telemetry_artefact",
] as const;

export type Regression = (typeof REGRESSIONS)[number];
export type Surprise = (typeof SURPRISES)[number];

const worldSchema = z.strictObject({
  world: name(),
  start: midnight,
  length: duration,
  step: duration,
  services: z.strictObject({
    count: whole(1, 2000),
    teams: whole(1, 500),
    timezones: z.array(timezone).min(1),
  }),
  deployments: z.strictObject({
    perWorkday: rate(1.4),
    offHours: share,
    kinds: shares(KINDS, "exactly"),
    rollout: shares(ROLLOUTS, "exactly"),
    failureRate: share,
  }),
  regressions: shares(REGRESSIONS, "exactly"),
  surprises: shares(SURPRISES, "atMost"),
  migrations: z.strictObject({ planned: share, expectedRise: share, slowsDependants: share }),
  tags: z.strictObject({
    correct: share,
    wrongSize: share,
    wrongService: share,
    onBadMigrations: share,
    late: share,
    customerCommitment: share,
  }),
  rollback: z.strictObject({ fails: share, irreversible: share }),
  telemetry: z.strictObject({
    missing: share,
    outagesPerWeek: rate(100),
    errorBurstsPerDay: rate(100),
  }),
  incidents: z.strictObject({ perServiceWeek: rate(20), regionalShocksPerWeek: rate(20) }),
  loggingPolicy: name(),
  people: z.strictObject({ seed: whole(0, 4_294_967_295) }),
});

/** A checked world file. Durations in ms, shares in [0, 1], `start` in epoch ms. */
export type WorldSpec = z.output<typeof worldSchema>;

type Path = readonly PropertyKey[];

function show(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}

/** The node at a path, or the nearest one above it that is there. */
function nodeAt(document: Document, path: Path): Node | null {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown =
      length === 0 ? document.contents : document.getIn(path.slice(0, length) as unknown[], true);
    if (
      isMap(node) ||
      isScalar(node) ||
      (typeof node === "object" && node !== null && "range" in node)
    ) {
      return node as Node;
    }
  }
  return null;
}

function keyOffset(document: Document, path: Path, key: string): number | null {
  const parent = nodeAt(document, path);
  if (!isMap(parent)) return null;
  const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === key);
  return pair !== undefined && isScalar(pair.key) ? (pair.key.range?.[0] ?? null) : null;
}

/** The keys a map may have at this path, for the cure of a misspelt one. */
function keysAt(path: Path): readonly string[] {
  let schema: unknown = worldSchema;
  for (const part of path) {
    schema =
      schema instanceof z.ZodObject
        ? (schema.shape as Record<string, unknown>)[String(part)]
        : null;
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/**
 * Reads a world file. `file` is only for messages; nothing is opened here.
 *
 * @throws Problems naming every error at once, each as file:line:column with its cure.
 */
export function parseWorld(text: string, file: string): WorldSpec {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): { file: string; line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  if (document.errors.length > 0) {
    throw new Problems(
      document.errors.map(
        (error) =>
          new Problem(error.message, {
            ...place(error.pos[0]),
            cure: "Mend the YAML at this place.",
          }),
      ),
    );
  }
  const checked = worldSchema.safeParse(document.toJS() as unknown);
  const problems = checked.success ? [] : checked.error.issues.flatMap(explain);
  if (checked.success) problems.push(...crossCheck(checked.data));
  if (problems.length > 0) throw new Problems(problems);
  return checked.data!;

  function explain(issue: z.core.$ZodIssue): Problem[] {
    if (issue.code === "unrecognized_keys") {
      const cure = `Known here: ${keysAt(issue.path).join(", ")}.`;
      return issue.keys.map((key) => {
        const offset = keyOffset(document, issue.path, key) ?? 0;
        return new Problem(`unknown key "${key}"`, { ...place(offset), cure });
      });
    }
    const value: unknown = document.getIn(issue.path as unknown[]);
    if (value === undefined && issue.path.length > 0) {
      const cure = "Add it; datasets/worlds/quarter.yaml shows every key.";
      return [new Problem(`"${issue.path.join(".")}" is missing`, { ...at(issue.path), cure })];
    }
    const [what, cure] = issue.message.split("|");
    return [
      new Problem(`${issue.path.join(".") || "world file"}: ${what!}`, {
        ...at(issue.path),
        cure: cure ?? "See datasets/worlds/quarter.yaml for a file that is right.",
      }),
    ];
  }

  function at(path: Path): { file: string; line: number; column: number } {
    return place(nodeAt(document, path)?.range?.[0] ?? 0);
  }

  /** What no single value can say alone. */
  function crossCheck(spec: WorldSpec): Problem[] {
    const found: Problem[] = [];
    const complain = (path: Path, what: string, cure: string): void => {
      found.push(new Problem(what, { ...at(path), cure }));
    };
    if (spec.step < 1000 || DAY_MS % spec.step !== 0) {
      complain(["step"], "the step does not divide a day", "Use 15s, 30s, 60s or the like.");
    }
    if (spec.length < DAY_MS || spec.length % DAY_MS !== 0) {
      complain(
        ["length"],
        "the length is not a number of days",
        "Use whole days or weeks, such as 13w.",
      );
    }
    if (spec.services.teams > spec.services.count) {
      complain(["services", "teams"], "more teams than services", "Lower teams or raise count.");
    }
    if (spec.tags.correct + spec.tags.wrongSize + spec.tags.wrongService > 1 + 1e-9) {
      complain(["tags"], "correct, wrongSize and wrongService exceed 100%", "Lower one of them.");
    }
    if (spec.deployments.offHours + spec.deployments.kinds.migration > 0.9) {
      complain(
        ["deployments"],
        "nothing is left for business hours",
        "Lower offHours or migration.",
      );
    }
    return found;
  }
}
