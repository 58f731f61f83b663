/**
 * CSV files of a mapping. Each file's own header names its columns: nothing is guessed from its
 * lines, so that one bad line spoils only itself.
 */

import { csvReader, newRejects, readHeader } from "./relation.ts";

export interface MappedCsv {
  /** A SELECT of the lines of all files. */
  readonly read: string;
  readonly rejects: string;
  /** A SELECT for each header that there is, with a file that has it. */
  readonly kinds: readonly { readonly read: string; readonly file: string }[];
}

export async function mappedCsv(
  paths: readonly string[],
  delimiter: string | undefined,
): Promise<MappedCsv> {
  const between = delimiter ?? (/\.tsv(\.gz)?$/i.test(paths[0]!) ? "\t" : ",");
  const groups = new Map<string, { header: readonly string[]; paths: string[] }>();
  for (const path of paths) {
    const header = distinct(await readHeader(path, path, between));
    const key = JSON.stringify(header);
    const group = groups.get(key) ?? { header, paths: [] };
    group.paths.push(path);
    groups.set(key, group);
  }
  const rejects = newRejects();
  const kinds = [...groups.values()].map((group) => ({
    read: `SELECT * FROM ${csvReader(group.paths, group.header, between, rejects)}`,
    file: group.paths[0]!,
  }));
  return { read: kinds.map(({ read }) => read).join(" UNION ALL BY NAME "), rejects, kinds };
}

/** Sheets repeat names and leave some empty; a mapping reads only the columns that it names. */
function distinct(header: readonly string[]): string[] {
  const used = new Set<string>();
  return header.map((name, at) => {
    const base = name === "" ? `column${at}` : name;
    let own = base;
    for (let n = 1; used.has(own.toLowerCase()); n++) own = `${base}_${n}`;
    used.add(own.toLowerCase());
    return own;
  });
}
