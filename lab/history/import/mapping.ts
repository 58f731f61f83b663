/**
 * The mapping file of `import parquet`: which tables and columns of a warehouse or of an export
 * are which of ours. Unknown keys are errors with file, line and column.
 */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isNode, type Document } from "yaml";
import { z } from "zod";
import { ENGINE_VERSION, own, type JsonObject } from "../../../engine/index.ts";
import { operatingProblem } from "../../operatingProblem.ts";
import { Problem, Problems } from "../../problem.ts";
import { parseYaml } from "../../yaml.ts";
import { quoted, type Duck } from "../duck.ts";
import { samplesThere, type Sources } from "./importHistory.ts";
import { DEPLOYMENT_KINDS } from "./kinds.ts";
import { mappedRelation, TABLE, type MappedTable } from "./mappedTable.ts";
import { REQUIRED } from "./metrics.ts";
import type { Place, Relation } from "./relation.ts";
import { columnsOf, SMALL_TABLES, type SmallTable } from "./tableRows.ts";
import type { Zone } from "./zone.ts";

const METRICS = TABLE.extend({ scale: z.record(z.string(), z.number()).optional() });

const MAPPING = z.strictObject({
  tables: z.strictObject({
    metrics: METRICS,
    deployments: TABLE,
    ...Object.fromEntries(
      SMALL_TABLES.filter((name) => name !== "deployments").map((name) => [name, TABLE.optional()]),
    ),
  }),
  kinds: z.record(z.string(), z.enum(DEPLOYMENT_KINDS)).optional(),
});

/**
 * Reads a mapping file and finds what it maps.
 *
 * @throws Problem for an unknown key, a wrong value, or files that are not there.
 */
export async function findMapped(
  file: string,
  duck: Duck,
  zone: Zone | null = null,
): Promise<Sources> {
  const { mapping, placeOf } = readMapping(file);
  const tables = mapping.tables as JsonObject<MappedTable | undefined>;
  const relate = async (name: "metrics" | SmallTable): Promise<Relation | null> => {
    const table = own(tables, name);
    if (table === undefined) return null;
    const patterns = typeof table.files === "string" ? [table.files] : table.files;
    const paths: string[] = [];
    for (const pattern of patterns) {
      const found = await matching(duck, resolve(dirname(file), pattern));
      if (found.length === 0) {
        throw new Problem(`tables.${name}: no file matches ${pattern}`, {
          ...placeOf(["tables", name, "files"]),
          cure: "Paths are relative to the mapping file.",
        });
      }
      paths.push(...found.filter((path) => !paths.includes(path)));
    }
    const shown = paths.length === 1 ? paths[0]! : patterns.join(", ");
    const at: Place = (path) => placeOf(["tables", name, ...path]);
    const required = name === "metrics" ? REQUIRED : columnsOf(name).required;
    return mappedRelation(duck.connection, table, paths, shown, zone, at, required);
  };
  const small = new Map<SmallTable, Relation>();
  for (const name of SMALL_TABLES) {
    const relation = await relate(name);
    if (relation !== null) small.set(name, relation);
  }
  return {
    madeBy: `hindsight ${ENGINE_VERSION} import parquet`,
    samples: samplesThere((await relate("metrics"))!),
    small,
    kinds: new Map(Object.entries(mapping.kinds ?? {})),
    scale: new Map(Object.entries(mapping.tables.metrics.scale ?? {})),
    zone,
    warnings: [],
  };
}

async function matching({ connection }: Duck, pattern: string): Promise<string[]> {
  const reader = await connection.runAndReadAll(
    `SELECT file FROM glob(${quoted(pattern)}) ORDER BY file`,
  );
  return (reader.getRowObjectsJS() as { file: string }[]).map(({ file }) => file);
}

interface Read {
  readonly mapping: z.infer<typeof MAPPING>;
  readonly placeOf: Place;
}

function readMapping(file: string): Read {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      throw new Problem("there is no such file", {
        file,
        cure: "See: hindsight import parquet --help",
      });
    }
    throw operatingProblem(error, file);
  }
  const { document, lines, value } = parseYaml(text, file);
  const at = (offset: number): { file: string; line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const parsed = MAPPING.safeParse(value());
  if (parsed.success) {
    return { mapping: parsed.data, placeOf: (path) => at(offsetOf(document, path, true)) };
  }
  throw new Problems(
    parsed.error.issues.flatMap((issue) => {
      const path = issue.path as (string | number)[];
      if (issue.code === "unrecognized_keys") {
        return issue.keys.map(
          (key) =>
            new Problem(`unknown key "${[...path, key].join(".")}"`, {
              ...at(offsetOf(document, [...path, key], true)),
              cure: "See: hindsight import parquet --help",
            }),
        );
      }
      return [
        new Problem(`${path.join(".")}: ${issue.message}`, at(offsetOf(document, path, false))),
      ];
    }),
  );
}

/** Where a path stands in the YAML: its key when asked, else its value or the nearest parent. */
function offsetOf(document: Document, path: readonly (string | number)[], key: boolean): number {
  for (let depth = path.length; depth > 0; depth--) {
    const parent: unknown = document.getIn(path.slice(0, depth - 1), true);
    const items = (parent as { items?: { key?: unknown; value?: unknown }[] } | undefined)?.items;
    const pair = items?.find((item) => {
      const name = item.key;
      return (isNode(name) ? (name.toJSON() as unknown) : name) === path[depth - 1];
    });
    const node = key && depth === path.length ? pair?.key : (pair?.value ?? pair?.key);
    if (isNode(node) && node.range != null) return node.range[0];
  }
  return 0;
}
