/** The document of a learned confidence: what `--json` prints and `--out` writes. */

import { DELAYS_MS } from "./cases.ts";
import type { LearnedConfidence } from "./learnFrom.ts";

export function confidenceDocument({ manifest, cases, learned, walkForward }: LearnedConfidence) {
  return {
    manifest: { format: "hindsight-confidence", version: 1, ...manifest },
    walkForward,
    models: DELAYS_MS.map((delayMs, delay) => {
      const model = learned.modelAt(delay);
      if (model === null) return { delayMs, intercept: null, coefficients: [] };
      const coefficients = learned.features.map(({ name }, feature) => ({
        feature: name,
        coefficient: model.coefficients[feature]!,
      }));
      return { delayMs, intercept: model.intercept, coefficients };
    }),
    cases: cases.map(({ atMs, knownAtMs, ...one }) => ({
      ...one,
      at: new Date(atMs).toISOString(),
      labelKnownAt: new Date(knownAtMs).toISOString(),
    })),
  };
}
