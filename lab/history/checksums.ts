/**
 * Checksums of a history's files, so that a damaged byte is found and named.
 *
 * Three layers, each cheap where it is checked:
 *
 *   manifest.json.sha256   of the manifest, in the form of `sha256sum`; checked at every opening
 *   files[].sha256         of each small table; checked at every opening
 *   files[].frame          of a part file but for its sample values (CRC-32); checked before the
 *                          part is first used. What lies in the frame, the column `crc` among it,
 *                          is then known to be whole
 *   crc                    of the values of each block (CRC-32); checked when the block is read
 *
 * The values of a part file that is compressed or has a dictionary are inside its frame. A history
 * that was written before there were checksums has none of these and is read as before.
 */

import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { Problem } from "../problem.ts";

/** Where the values of a part file lie, in bytes: from the first to before the second. */
export type ValuesRange = readonly [from: number, to: number];

export const MANIFEST = "manifest.json";
const MANIFEST_SUM = `${MANIFEST}.sha256`;
const CURE = "Restore it from a copy, or import or generate the history again.";
const CHUNK_BYTES = 1 << 20;

/** The bytes of a typed array. */
function bytesOf(array: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** CRC-32 of the values of one block as they lie in the file, as a signed 32-bit integer. */
export function blockChecksum(values: Float32Array | Float64Array): number {
  return crc32(bytesOf(values)) | 0;
}

/** Is the block what was written? */
export function checkBlock(
  file: string,
  series: number,
  startMs: number,
  values: Float32Array | Float64Array,
  expected: number,
): void {
  if (blockChecksum(values) === expected) return;
  const at = new Date(startMs).toISOString();
  throw new Problem(`this file is damaged: the block of series ${series} at ${at}`, {
    file,
    cure: CURE,
  });
}

/** CRC-32 of a file but for the range of its values; null: of the whole file. */
export function frameChecksum(file: string, values: ValuesRange | null): number {
  const descriptor = openSync(file, "r");
  try {
    const { size } = statSync(file);
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size));
    let sum = 0;
    const add = (from: number, to: number): void => {
      for (let at = from; at < to;) {
        const length = Math.min(buffer.length, to - at);
        const read = readSync(descriptor, buffer, 0, length, at);
        if (read === 0) return;
        sum = crc32(buffer.subarray(0, read), sum);
        at += read;
      }
    };
    add(0, values?.[0] ?? size);
    if (values !== null) add(values[1], size);
    return sum;
  } finally {
    closeSync(descriptor);
  }
}

export function checkFrame(file: string, values: ValuesRange | null, expected: number): void {
  if (frameChecksum(file, values) === expected) return;
  throw new Problem("this file is damaged: its checksum is not that of the manifest", {
    file,
    cure: CURE,
  });
}

export function fileDigest(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

export function checkDigest(file: string, expected: string): void {
  if (fileDigest(file) === expected) return;
  throw new Problem("this file is damaged: its digest is not that of the manifest", {
    file,
    cure: CURE,
  });
}

/** The name and content of the file that vouches for the manifest. */
export function manifestSum(text: string): { readonly file: string; readonly text: string } {
  const digest = createHash("sha256").update(text).digest("hex");
  return { file: MANIFEST_SUM, text: `${digest}  ${MANIFEST}\n` };
}

/** @throws Problem where the manifest is not the one that was written with the history */
export function checkManifest(dir: string, text: string): void {
  let written: string;
  try {
    written = readFileSync(join(dir, MANIFEST_SUM), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (written === manifestSum(text).text) return;
  throw new Problem(`the manifest is damaged or was changed: ${MANIFEST_SUM} has another digest`, {
    file: join(dir, MANIFEST),
    cure: CURE,
  });
}
