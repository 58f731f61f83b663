/** The directory of a sweep: manifest and results. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkPlace, writeWhole, type ResultKind } from "../resultDirectory.ts";
import type { sweepDocument } from "./document.ts";

const SWEEP: ResultKind = { name: "sweep", files: ["sweep.json"] };

/** See `checkPlace`. */
export function checkSweepPlace(dir: string, force: boolean): void {
  checkPlace(dir, SWEEP, force);
}

/** See `writeWhole`. */
export async function writeSweep(
  dir: string,
  { manifest, ...results }: ReturnType<typeof sweepDocument>,
  force: boolean,
): Promise<void> {
  await writeWhole(dir, SWEEP, force, (temporary) => {
    const write = (name: string, document: unknown): void =>
      writeFileSync(join(temporary, name), `${JSON.stringify(document, null, 2)}\n`);
    write("manifest.json", manifest);
    write("sweep.json", results);
  });
}
