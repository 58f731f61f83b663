/** An earlier sweep, read from its directory and held against what the report is about. */

import { join } from "node:path";
import { z } from "zod";
import { Problem } from "../problem.ts";
import { readText } from "../yaml.ts";
import type { sweepDocument } from "../sweep/document.ts";

type SweepDocument = ReturnType<typeof sweepDocument>;

/** What a report says of a sweep. */
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
});
const RESULTS = z.looseObject({
  incumbent: z.looseObject({}),
  variations: z.array(z.looseObject({ name: z.string() })),
  alike: z.array(z.looseObject({ name: z.string() })),
  recommendation: z.looseObject({ verdict: z.string() }),
  validation: z.looseObject({ how: z.string() }),
});

const CURE = "Give the directory of `hindsight sweep --out` on this history and this policy.";

/**
 * @throws Problem when it is no sweep, or one of another history or another policy: what
 * such a sweep offers is no answer to this report's question
 */
export function readSweep(dir: string, history: string, policy: string): SweepInput {
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
    // A sweep of before had none.
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
