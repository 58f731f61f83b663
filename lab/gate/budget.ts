/**
 * The budget of a policy change: a list of guards. A guard names a field of the scorecard and a
 * margin, which is how much worse the field may become before the change is refused.
 */

import { z } from "zod";
import { parseDuration, type JsonObject } from "../../engine/index.ts";
import type { Limit, Margin } from "../compare/margin.ts";
import { fieldWords } from "../compare/words.ts";
import { documentJsonSchema, readDocument } from "../documentFile.ts";
import { Problem } from "../problem.ts";
import { FIELDS, type Field } from "../score/fields.ts";

export interface Guard {
  readonly field: Field;
  readonly margin: Margin;
}

/**
 * What a verdict may rest on. `modelled`: on the model of what history hid, where that has shown
 * itself good enough. `identified`: on nothing that history hid.
 */
export type Ground = "modelled" | "identified";

export interface Budget {
  readonly guards: readonly Guard[];
  /** Do the margins of the guards decide, or only which deployments end otherwise? */
  readonly decide: "margins" | "flips";
  readonly ground: Ground;
  /** A verdict by the model must hold until this share of what was hidden ends the other way. */
  readonly tipping: number;
  /** How many deployments may end worse without being accepted by name; null for no limit. */
  readonly worseFlips: number | null;
}

/** Non-inferiority margins of method.md, section 5. */
const DEFAULT_GUARDS: JsonObject<string> = {
  "timeToRecovery.restrictedMean60m": "30s",
  missRate: "1pp",
  falsePositiveRate: "0.2pp",
  nightPages: "0.5/week",
  tagMasked: "0",
  cost: "5%",
};

const guardable = FIELDS.filter(({ better }) => better !== null);

/** `30s` for times, `1pp` for shares, `0.5/week` or `2` for counts, `5%` of the baseline. */
function parseMargin(field: Field, text: string): Margin | null {
  const number = /^(\d+(?:\.\d+)?)\s*(pp|%|\/week)?$/.exec(text);
  if (field.unit === "seconds" && number === null) {
    const ms = parseDuration(text);
    return ms === null ? null : { amount: ms / 1000, of: "absolute", text };
  }
  if (number === null) return null;
  const amount = Number(number[1]);
  const unit = number[2];
  if (unit === "%") return { amount: amount / 100, of: "baseline", text };
  if (unit === "pp") {
    return field.unit === "share" ? { amount: amount / 100, of: "absolute", text } : null;
  }
  if (unit === "/week") return field.unit === "count" ? { amount, of: "week", text } : null;
  const bare = field.unit === "count" || field.unit === "cost" || amount === 0;
  return bare ? { amount, of: "absolute", text } : null;
}

const FORMS: Readonly<Record<Field["unit"], string>> = {
  seconds: "30s or 5%",
  share: "1pp or 5%",
  count: "2, 0.5/week or 5%",
  perWeek: "5%",
  hours: "5%",
  cost: "5%",
};

const guardsSchema = z
  .record(z.string(), z.union([z.string(), z.number()]).transform(String))
  .transform((written, context) =>
    Object.entries(written).flatMap(([name, text]): Guard[] => {
      const issue = (message: string): [] => {
        context.addIssue({ code: "custom", path: [name], message });
        return [];
      };
      const field = guardable.find((one) => one.name === name);
      if (field === undefined) {
        const names = guardable.map((one) => one.name).join(", ");
        return issue(`no such field of a scorecard; there are ${names}`);
      }
      const margin = parseMargin(field, text);
      if (margin === null) return issue(`expected a margin such as ${FORMS[field.unit]}`);
      return [{ field, margin }];
    }),
  )
  .refine((guards) => guards.length > 0, "name at least one guard");

/** The schema of a budget file. */
export const budgetSchema = z.strictObject({
  guards: guardsSchema
    .default(() => guardsSchema.parse(DEFAULT_GUARDS))
    .describe("Fields of the scorecard, each with how much worse it may become."),
  decide: z
    .enum(["margins", "flips"])
    .default("margins")
    .describe(
      "What decides: the margins of the guards; or, for a small fleet, that no deployment ends " +
        "otherwise but those accepted by name.",
    ),
  ground: z
    .enum(["modelled", "identified"])
    .default("modelled")
    .describe(
      "What a verdict may rest on: modelled, also on the model of what history hid; identified, " +
        "on nothing that history hid.",
    ),
  tipping: z
    .string()
    .transform((text, context) => {
      const share = parseShare(text);
      if (share !== null) return share;
      context.addIssue({ code: "custom", message: "expected a share such as 20%" });
      return z.NEVER;
    })
    .optional()
    .describe(
      "The share of what history hid that must end the other way before a verdict by the model " +
        "falls; 20% where it is left out.",
    ),
  worseFlips: z
    .int()
    .min(0)
    .optional()
    .describe("Deployments that may end worse without being accepted by name; else no limit."),
});

/** A fifth of what history hid. */
const DEFAULT_TIPPING = 0.2;

export const DEFAULT_BUDGET: Budget = toBudget(budgetSchema.parse({}));

/** In place of a margin: the guard does not apply. */
const OFF = "off";

/**
 * The default budget with other margins: `missRate:2pp,cost:off`, as an address has it.
 *
 * @throws Problem that names the guard and how its margin is written
 */
export function budgetWith(limits: string): Budget {
  const margins = new Map(Object.entries(DEFAULT_GUARDS));
  for (const one of limits.split(",").filter((text) => text !== "")) {
    const at = one.indexOf(":");
    if (at < 0) throw new Problem(`${one} is no limit`, { cure: "Write it as missRate:2pp." });
    const [name, text] = [one.slice(0, at), one.slice(at + 1).trim()];
    // A record's schema would leave out a name such as __proto__ without a word.
    if (guardable.every((field) => field.name !== name)) {
      const cure = "Limits are of scores that have a better direction, such as missRate.";
      throw new Problem(`${name} is no score with a limit`, { cure });
    }
    margins.set(name, text);
  }
  const guards = Object.fromEntries([...margins].filter(([, text]) => text !== OFF));
  const read = budgetSchema.safeParse({ guards });
  if (read.success) return toBudget(read.data);
  const { path, message } = read.error.issues[0]!;
  const [, name] = path;
  const of = name === undefined ? "the limits" : `the limit of ${fieldWords(String(name))}`;
  throw new Problem(`${of}: ${message}`, {
    cure: `Write a margin, or "${OFF}" for no limit.`,
  });
}

/** The guards of the default budget that another one leaves out. */
export function leftOutOf({ guards }: Budget): readonly Field[] {
  return DEFAULT_BUDGET.guards
    .filter(({ field }) => guards.every((one) => one.field !== field))
    .map(({ field }) => field);
}

/** @throws Problem with file, line and column of everything that is wrong */
export function loadBudget(file: string): Budget {
  return toBudget(readDocument(file, budgetSchema, "a budget file"));
}

/** The JSON Schema with which editors complete and check a budget: it names every guard. */
export function budgetJsonSchema(): object {
  const whole = documentJsonSchema(
    budgetSchema,
    "Hindsight budget",
    "How much worse a policy change may make things before the gate refuses it.",
  );
  const { guards, ...others } = whole["properties"] as JsonObject<object>;
  const named = guardable.map(({ name, unit }): [string, object] => [
    name,
    {
      type: ["string", "number"],
      description: `How much worse it may become: ${FORMS[unit]}.`,
    },
  ]);
  const { description } = guards as { description: string };
  return {
    ...whole,
    properties: {
      guards: {
        type: "object",
        description,
        default: DEFAULT_GUARDS,
        properties: Object.fromEntries(named),
        additionalProperties: false,
        minProperties: 1,
      },
      ...others,
    },
  };
}

function toBudget(written: z.output<typeof budgetSchema>): Budget {
  const { guards, decide, ground, tipping = DEFAULT_TIPPING, worseFlips = null } = written;
  return { guards, decide, ground, tipping, worseFlips };
}

/** The margins of the guards, for an evaluation that is held against them. */
export function limitsOf({ guards }: Budget): readonly Limit[] {
  return guards.map(({ field, margin }) => ({ field: field.name, margin }));
}

/** `20%` as 0.2; null where it is no share. */
function parseShare(text: string): number | null {
  const found = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  const share = found === null ? Number.NaN : Number(found[1]) / 100;
  return share <= 1 ? share : null;
}

/** A deployment of which a person accepted that it ends otherwise under the candidate. */
export interface AcceptedFlip {
  readonly deployment: string;
  /** How it may end; any other end is not accepted. */
  readonly end: string;
  readonly by: string;
  readonly why: string;
}

const acceptedSchema = z.strictObject({
  accepted: z.array(
    z.strictObject({
      deployment: z.string().min(1).describe("Its id."),
      end: z.string().min(1).describe("How it may end; any other end is not accepted."),
      by: z.string().trim().min(1, "say who accepted it").describe("Who accepted it."),
      why: z.string().trim().min(1, "say why it is acceptable").describe("Why it is acceptable."),
    }),
  ),
});

/** The JSON Schema with which editors complete and check a file of accepted flips. */
export function acceptedFlipsJsonSchema(): object {
  return documentJsonSchema(
    acceptedSchema,
    "Hindsight accepted flips",
    "Deployments whose new end under the candidate was reviewed and accepted.",
  );
}

export function loadAcceptedFlips(file: string): readonly AcceptedFlip[] {
  return readDocument(file, acceptedSchema, "a file of accepted flips").accepted;
}
