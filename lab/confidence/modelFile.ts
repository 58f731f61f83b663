/**
 * The model of a learned confidence as a file: what `confidence learn --model` writes, and how it
 * is read. What it means, and how a confidence follows from it, is the engine's.
 */

import {
  FEATURES,
  isEnough,
  MODEL_FORMAT,
  MODEL_VERSION,
  parseConfidenceModel,
  type ConfidenceModel,
} from "../../engine/index.ts";
import { FILE_LIMITS, PROBLEMS_SHOWN } from "../limits.ts";
import { sha256 } from "../policy/load.ts";
import { Problem, Problems } from "../problem.ts";
import { parseYaml, placeIn, readText } from "../yaml.ts";
import { DELAYS_MS } from "./cases.ts";
import { signalsOf } from "./learn.ts";
import type { LearnedConfidence } from "./learnFrom.ts";

export interface ModelFile {
  readonly model: ConfidenceModel;
  /** Its identity: two files with the same numbers have the same. */
  readonly digest: string;
}

export function modelOf({ manifest, cases, learned }: LearnedConfidence): ConfidenceModel {
  const { engineVersion, history, policy } = manifest;
  const knownAtMs = cases.map((one) => one.knownAtMs).filter(Number.isFinite);
  const learnsAnything = isEnough(learned.labels);
  return {
    format: MODEL_FORMAT,
    version: MODEL_VERSION,
    engineVersion,
    learnedOf: {
      history,
      policy,
      knownUntil: new Date(knownAtMs.reduce((a, b) => Math.max(a, b), 0)).toISOString(),
    },
    labels: learned.labels,
    features: FEATURES.map(({ name }) => name),
    signals: signalsOf(cases),
    alarm: DELAYS_MS.map((delayMs, delay) => ({
      delayMs,
      ...learned.tallyAt("alarm", delay),
      fitted: learnsAnything ? learned.modelAt(delay) : null,
    })),
    quiet: learned.tallyAt("quiet", 0),
    unjudged: learned.tallyAt("unjudged", 0),
  };
}

/** @throws Problems with the place of every bad field */
export function loadModel(file: string): ModelFile {
  const cure = "Give the path of a model, as `hindsight confidence learn --model` writes it.";
  const written = parseYaml(readText(file, "model", cure, FILE_LIMITS.letters), file);
  const parsed = parseConfidenceModel(written.value(), sha256);
  if (parsed.issues === null) return { model: parsed.model, digest: parsed.digest };
  throw new Problems(
    parsed.issues.slice(0, PROBLEMS_SHOWN).map(({ path, message }) => {
      const named = path.length === 0 ? "" : `${path.join(".")}: `;
      const where = { file, ...placeIn(written, path), cure };
      return new Problem(`${named}${message}`, where);
    }),
    Math.max(0, parsed.issues.length - PROBLEMS_SHOWN),
  );
}
