/** Compares the state beside a segment with the state that the inputs of the segment lead to. */

import { join } from "node:path";
import { canonicalJson, ENGINE_VERSION, serialise } from "../../../engine/index.ts";
import type { ChainEnd, StateFile } from "../../../engine/index.ts";
import { sha256 } from "../../policy/load.ts";
import { headOf, type Head, type Kept } from "./checkpoint.ts";
import type { Disk } from "./disk.ts";

export interface StateCheck {
  readonly file: string;
  /** Where it differs, and from what; null where it does not. */
  readonly difference: string | null;
}

/** So much of a value is shown. */
const SHOWN = 60;

/**
 * Checks the file against its digest in the log, and its content against what was made again.
 *
 * @param at the place in the chain that the state belongs to
 * @returns null where there is no such file any more, or another engine wrote it
 */
export function checkState(
  disk: Pick<Disk, "read" | "size">,
  dir: string,
  segment: number,
  state: StateFile,
  at: ChainEnd,
  now: () => Kept,
): StateCheck | null {
  const file = join(dir, state.file);
  const size = disk.size(file);
  if (size <= 0) return null;
  const bytes = disk.read(file, 0, size);
  if (sha256(bytes) !== state.digest) {
    return { file, difference: "it is not the file whose digest the log has" };
  }
  const [head = "", rest = ""] = new TextDecoder().decode(bytes).split("\n", 2);
  const written = JSON.parse(head) as Head;
  if (written.engineVersion !== ENGINE_VERSION) return null;
  const { state: made, ...kept } = now();
  const text = serialise({ ...made, recent: new Map() });
  return {
    file,
    difference:
      firstDifference(written, JSON.parse(canonicalJson(headOf(segment, at, kept))), "") ??
      firstDifference(JSON.parse(rest), JSON.parse(text), "state"),
  };
}

/** The first place at which two JSON values differ, with both; null where they are equal. */
function firstDifference(written: unknown, made: unknown, path: string): string | null {
  if (written === made) return null;
  if (!isObject(written) || !isObject(made) || Array.isArray(written) !== Array.isArray(made)) {
    return `${path}: ${shown(written)} in the file, ${shown(made)} made again`;
  }
  const names = new Set([...Object.keys(written), ...Object.keys(made)]);
  for (const name of [...names].sort()) {
    const [one, other] = [valueOf(written, name), valueOf(made, name)];
    const found = firstDifference(one, other, path === "" ? name : `${path}.${name}`);
    if (found !== null) return found;
  }
  return null;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function valueOf(value: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`;
}
