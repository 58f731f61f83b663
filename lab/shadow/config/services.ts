/** Reads the service catalog: team, criticality and time zone of services, and their callers. */

import { basename } from "node:path";
import { z } from "zod";
import { isTimeZone } from "../../../engine/index.ts";
import { readDocument } from "../../documentFile.ts";
import { openDuck } from "../../history/duck.ts";
import { readRows } from "../../history/import/fields.ts";
import { Findings } from "../../history/import/findings.ts";
import { csvRelation } from "../../history/import/relation.ts";
import { columnsOf, readService } from "../../history/import/tableRows.ts";
import type { ServiceRow } from "../../history/tables.ts";
import { Problem } from "../../problem.ts";
import { readText } from "../../yaml.ts";

export const inlineServices = z.record(
  z.string().min(1),
  z.strictObject({
    team: z.string().min(1).optional(),
    criticality: z.enum(["low", "medium", "high", "critical"]).optional(),
    timezone: z
      .string()
      .refine(isTimeZone, { error: "expected an IANA name such as Europe/Berlin" })
      .optional(),
    dependsOn: z.array(z.string().min(1)).default([]),
  }),
);

/**
 * @param given a CSV file as `import csv` reads it, a YAML file, or the catalog in shadow.yaml
 * @returns sorted by service
 * @throws Problem when the file, or any row of it, cannot be read
 */
export async function readServices(
  given: string | z.output<typeof inlineServices>,
): Promise<readonly ServiceRow[]> {
  const rows =
    typeof given !== "string"
      ? rowsOf(given)
      : /\.csv(\.gz)?$/i.test(given)
        ? await readCsv(given)
        : rowsOf(readDocument(given, inlineServices, "a service catalog"));
  return [...rows].sort((a, b) => (a.service < b.service ? -1 : 1));
}

function rowsOf(services: z.output<typeof inlineServices>): readonly ServiceRow[] {
  return Object.entries(services).map(([service, { team, criticality, timezone, dependsOn }]) => ({
    service,
    team: team ?? null,
    criticality: criticality ?? null,
    timezone: timezone ?? null,
    dependsOn: [...new Set(dependsOn)].sort(),
    revenuePerMinute: null,
  }));
}

async function readCsv(file: string): Promise<readonly ServiceRow[]> {
  readText(file, "service catalog", "It is what services: names, relative to shadow.yaml.");
  const duck = await openDuck({ threads: 1 });
  try {
    const findings = new Findings();
    const relation = await csvRelation(file, basename(file));
    const columns = columnsOf("services");
    const { found } = await readRows(duck.connection, relation, columns, findings, readService);
    const [loss] = findings.losses;
    if (loss !== undefined) throw lost(file, loss.reason, loss.examples);
    const rows = found.map(({ row }) => row);
    const twice = rows.find(({ service }, i) => rows.findIndex((r) => r.service === service) !== i);
    if (twice !== undefined) throw lost(file, `${twice.service} is there twice, not the same`, []);
    return rows;
  } finally {
    duck.close();
  }
}

function lost(file: string, reason: string, places: readonly string[]): Problem {
  const where = places.length === 0 ? "" : ` (${places.join(", ")})`;
  return new Problem(`${reason}${where}`, {
    file,
    cure: "The host leaves no service out: mend or remove the row.",
  });
}
