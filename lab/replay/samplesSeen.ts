/**
 * Digests of the samples that decisions rest on, for the decision log. The samples themselves stay
 * in their history; the digests show later whether they are still the same.
 */

import { createHash } from "node:crypto";
import {
  canonicalJson,
  jsonObject,
  seriesKey,
  type SampleColumn,
  type SamplesSeen,
} from "../../engine/index.ts";
import type { SeenSamples } from "./detect.ts";

/** Collects the digests while a replay detects. */
export interface SamplesCollector {
  readonly seen: SeenSamples;
  /** Adds digests that were made before. */
  readonly add: (seen: SamplesSeen) => void;
  /** By deployment id. */
  readonly byDeployment: ReadonlyMap<string, SamplesSeen>;
}

export function collectSamples(): SamplesCollector {
  const byDeployment = new Map<string, SamplesSeen>();
  return {
    byDeployment,
    add: (seen) => byDeployment.set(seen.deploymentId, seen),
    seen: (deploymentId, columns, context) => {
      byDeployment.set(deploymentId, {
        deploymentId,
        series: columns.length,
        samples: columns.reduce((sum, { values }) => sum + values.length, 0),
        digest: digestOf(columns),
        bySeries: jsonObject(
          columns.map((column) => [
            seriesKey(column.series),
            { samples: column.values.length, digest: digestOf([column]).slice(0, 16) },
          ]),
        ),
        contextDigest: context?.digest ?? null,
      });
    },
  };
}

/**
 * SHA-256, in hex, of all columns in the order of the history's series. Each gives its name and
 * length as canonical JSON with a newline, then `atMs`, `knownAtMs` and `values` as little-endian
 * doubles.
 */
function digestOf(columns: readonly SampleColumn[]): string {
  const hash = createHash("sha256");
  for (const { series, atMs, knownAtMs, values } of columns) {
    hash.update(`${canonicalJson({ series, samples: values.length })}\n`);
    for (const numbers of [atMs, knownAtMs, values]) hash.update(bytesOf(numbers));
  }
  return hash.digest("hex");
}

function bytesOf(numbers: ArrayLike<number>): Uint8Array {
  const doubles = numbers instanceof Float64Array ? numbers : Float64Array.from(numbers);
  return new Uint8Array(doubles.buffer, doubles.byteOffset, doubles.byteLength);
}
