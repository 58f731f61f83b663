/** The manifest of a history, checked: what is in it, without opening it. */

import { accessSync, constants, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { refuseUrl } from "../directory.ts";
import { operatingProblem } from "../operatingProblem.ts";
import { Problem } from "../problem.ts";
import { checkManifest } from "./checksums.ts";
import { NEWEST_SCHEMA, type HistoryManifest } from "./tables.ts";

const MANIFEST = z.looseObject({
  format: z.literal("hindsight-history"),
  schemaVersion: z.number().int().positive(),
  madeBy: z.string(),
  from: z.iso.datetime().nullable(),
  to: z.iso.datetime().nullable(),
  samples: z.number().int().nonnegative(),
  missingSamples: z.number().int().nonnegative(),
  answers: z.looseObject({ nan: z.number(), failed: z.number(), infinite: z.number() }).optional(),
  seriesCount: z.number().int().nonnegative(),
  rows: z.record(z.string(), z.number()),
  sources: z.array(
    z.looseObject({ source: z.string(), sha256: z.string(), rows: z.number().nullable() }),
  ),
  dropped: z.array(
    z.looseObject({
      table: z.string(),
      reason: z.string(),
      rows: z.number(),
      examples: z.array(z.string()),
    }),
  ),
  warnings: z.array(z.string()),
  files: z.array(
    z.looseObject({
      file: z.string(),
      bytes: z.number(),
      sha256: z.string().optional(),
      frame: z.number().int().optional(),
      values: z.tuple([z.number().int(), z.number().int()]).optional(),
    }),
  ),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  loggingPolicy: z.looseObject({ name: z.string(), digest: z.string() }).nullable(),
});

const HOW_TO_MAKE_ONE =
  "A history is made by `hindsight import` or `hindsight generate`; is this the right directory?";

/** Reads and checks the manifest alone; the same problems as `openHistory`. */
export function readManifest(dir: string): HistoryManifest {
  checkDirectory(dir);
  const file = join(dir, "manifest.json");
  let text: string | null;
  try {
    text = readManifestText(dir);
  } catch (error) {
    throw operatingProblem(error, file);
  }
  if (text === null) {
    throw new Problem("this is not a history: it has no manifest.json", {
      file: dir,
      cure: HOW_TO_MAKE_ONE,
    });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Problem("the manifest is not JSON", { file, cure: "Import or generate it again." });
  }
  const head = z.looseObject({ format: z.unknown(), schemaVersion: z.unknown() }).safeParse(json);
  if (!head.success || head.data.format !== "hindsight-history") {
    throw new Problem('this is not a history: "format" is not "hindsight-history"', {
      file,
      cure: HOW_TO_MAKE_ONE,
    });
  }
  const version = head.data.schemaVersion;
  if (typeof version === "number" && version > NEWEST_SCHEMA) {
    throw new Problem(
      `this history has schema version ${version}; this hindsight reads up to ${NEWEST_SCHEMA}`,
      { file, cure: "Upgrade hindsight, or write the history again with this version." },
    );
  }
  checkManifest(dir, text);
  const manifest = MANIFEST.safeParse(json);
  if (!manifest.success) {
    const issue = manifest.error.issues[0]!;
    throw new Problem(`the manifest is damaged: ${issue.path.join(".")}: ${issue.message}`, {
      file,
      cure: "Import or generate it again.",
    });
  }
  return manifest.data as unknown as HistoryManifest;
}

function checkDirectory(dir: string): void {
  refuseUrl(dir);
  try {
    if (!statSync(dir).isDirectory()) {
      throw new Problem("this is a file, not a history", { file: dir, cure: HOW_TO_MAKE_ONE });
    }
    accessSync(dir, constants.R_OK | constants.X_OK);
    readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      throw new Problem("there is no such directory", { file: dir, cure: HOW_TO_MAKE_ONE });
    }
    throw operatingProblem(error, dir);
  }
}

/** The manifest as JSON, or null when the directory has none. */
export function readManifestText(dir: string): string | null {
  try {
    return readFileSync(join(dir, "manifest.json"), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
