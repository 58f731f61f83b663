/** Reads an earlier sweep, and checks that it is about the report's history and policy. */

import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { PeopleAsked } from "../people/choose.ts";
import { Problem } from "../problem.ts";
import type { Costs } from "../score/costs.ts";
import { readText } from "../yaml.ts";
import type { sweepDocument } from "../sweep/document.ts";

type SweepDocument = ReturnType<typeof sweepDocument>;

/** The parts of a sweep's document that a report uses. */
export type SweepInput = Pick<
  SweepDocument,
  | "incumbent"
  | "anchors"
  | "alike"
  | "knee"
  | "validation"
  | "recommendation"
  | "landscape"
  | "gate"
> & {
  readonly vary: readonly string[];
  readonly policies: number;
  readonly variations: readonly Pick<
    SweepDocument["variations"][number],
    "name" | "digest" | "changes" | "scores" | "onFrontier" | "frontierShare"
  >[];
};

const MANIFEST = z.looseObject({
  format: z.literal("hindsight-sweep"),
  history: z.looseObject({ digest: z.string() }),
  base: z.looseObject({ name: z.string(), digest: z.string() }),
  vary: z.array(z.string()),
  policies: z.number(),
  people: z.string(),
  // A sweep of before had none.
  peopleModel: z.looseObject({}).nullable().optional(),
  costs: z.looseObject({}),
});
const RESULTS = z.looseObject({
  incumbent: z.looseObject({}),
  variations: z.array(z.looseObject({ name: z.string() })),
  alike: z.array(z.looseObject({ name: z.string() })),
  recommendation: z.looseObject({ verdict: z.string() }),
  validation: z.looseObject({ how: z.string() }),
});

/** What a sweep must have in common with the report that shows it. */
export interface SweepFor {
  /** Digests. */
  readonly history: string;
  readonly policy: string;
  readonly asked: PeopleAsked;
  readonly costs: Costs;
}

const CURE = "Give the directory of `hindsight sweep --out` on this history and this policy.";

/**
 * @throws Problem when the directory holds no sweep, or one of another history, policy, people or
 *   costs, which would not answer the report's question
 */
export function readSweep(dir: string, { history, policy, asked, costs }: SweepFor): SweepInput {
  const manifest = readJson(join(dir, "manifest.json"), MANIFEST);
  const results = readJson(join(dir, "sweep.json"), RESULTS) as unknown as SweepDocument;
  if (manifest.history.digest !== history) {
    throw new Problem("this sweep is of another history", { file: dir, cure: CURE });
  }
  if (manifest.base.digest !== policy) {
    throw new Problem(`this sweep varied another policy, ${manifest.base.name}`, {
      file: dir,
      cure: CURE,
    });
  }
  const { people, peopleModel = asked.peopleModel } = manifest;
  // A people file may have been moved; what counts is what it says.
  const isFile = asked.peopleModel !== null && asked.people !== "modelled";
  if ((!isFile && people !== asked.people) || !isDeepStrictEqual(peopleModel, asked.peopleModel)) {
    throw new Problem(`the people of this sweep are ${people}, of the report ${asked.people}`, {
      file: dir,
      cure: "Give the report the --people of the sweep, or sweep again with those of the report.",
    });
  }
  if (!isDeepStrictEqual(manifest.costs, costs)) {
    throw new Problem("this sweep counted other costs than the report does", {
      file: dir,
      cure: "Give the report the --costs of the sweep, or sweep again with those of the report.",
    });
  }
  const { incumbent, anchors, alike, knee, validation, recommendation, landscape, gate } = results;
  return {
    vary: manifest.vary,
    policies: manifest.policies,
    incumbent,
    anchors,
    alike,
    knee,
    validation,
    recommendation,
    landscape,
    // Absent in sweeps of older versions.
    gate: gate ?? null,
    variations: results.variations.map((one) => {
      const { name, digest, changes, scores, onFrontier, frontierShare } = one;
      return { name, digest, changes, scores, onFrontier, frontierShare };
    }),
  };
}

function readJson<Schema extends z.ZodType>(file: string, schema: Schema): z.output<Schema> {
  const text = readText(file, "file of a sweep", CURE);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Problem("this is not JSON", { file, cure: CURE });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new Problem("this is not of a sweep", { file, cure: CURE });
}
