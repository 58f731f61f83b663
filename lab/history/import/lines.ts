/**
 * From a CSV record's number to its line in the file. DuckDB counts records; an
 * editor counts lines, and the two part ways at blank lines and quoted newlines.
 * The file is read once more, but only when there is something to point at.
 */

import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";

const NEWLINE = 10;
const RETURN = 13;
const QUOTE = 34;

export interface Located {
  /** The line of each asked ordinal, in the order asked. */
  readonly ordinalLines: readonly number[];
  /** The line of each refused record, in the order asked. */
  readonly rejectLines: readonly number[];
}

/**
 * Finds lines. `ordinals` count the records after the header that were not
 * refused, from 1; `rejectBytes` are offsets at or just before refused records,
 * ascending.
 */
export async function locateRecords(
  path: string,
  ordinals: readonly number[],
  rejectBytes: readonly number[],
): Promise<Located> {
  const wanted = new Map<number, number>(ordinals.map((n) => [n, 0]));
  const rejectLines: number[] = [];
  let accepted = -1; // The header is record 0.
  let record = { start: 0, line: 1, blank: true };
  const endRecord = (end: number): void => {
    if (record.blank) return;
    const nextReject = rejectBytes[rejectLines.length];
    // A refused record is named by its first byte, or by the newline before it.
    if (nextReject !== undefined && nextReject < end) {
      rejectLines.push(record.line);
      return;
    }
    accepted++;
    if (wanted.has(accepted)) wanted.set(accepted, record.line);
  };

  let byte = 0;
  let line = 1;
  let quotedField = false;
  const raw = createReadStream(path);
  const stream = path.endsWith(".gz") ? raw.pipe(createGunzip()) : raw;
  for await (const part of stream) {
    const bytes = part as Buffer;
    for (let i = 0; i < bytes.length; i++, byte++) {
      const code = bytes[i]!;
      if (code === QUOTE) quotedField = !quotedField;
      if (code === NEWLINE) {
        line++;
        if (!quotedField) {
          endRecord(byte);
          record = { start: byte + 1, line, blank: true };
        }
      } else if (code !== RETURN) {
        record.blank = false;
      }
    }
  }
  endRecord(byte);
  return { ordinalLines: ordinals.map((n) => wanted.get(n)!), rejectLines };
}
