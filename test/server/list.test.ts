/**
 * The list of deployments is asked for in pages: together they are the rows that a reader would
 * find in the whole list, in the same order, and counts are over all of them.
 */

import { beforeAll, describe, expect, test } from "vitest";
import { openHistory } from "../../lab/history/open.ts";
import {
  deploymentList,
  listQuery,
  type DeploymentList,
  type DeploymentRow,
} from "../../lab/server/contract/deployments.ts";
import { DeploymentLists } from "../../lab/server/list/lists.ts";
import type { Ends } from "../../lab/server/threads/analyst.ts";
import { factsOf } from "../../lab/server/views/facts.ts";
import { sorted } from "../../ui/parts/column.ts";
import { listColumns } from "../../ui/views/deployment/listColumns.ts";
import { manyServices } from "../history/manyServices.ts";

const ENDS = ["healthy", "rolledBack", "held"] as const;
const POLICIES = ["one", "two"] as const;
const COUNT = 600;

let lists: DeploymentLists;
let whole: readonly DeploymentRow[];
const ends: Ends = POLICIES.map((id, policy) => ({
  id,
  ends: Array.from({ length: COUNT }, (_, at) => ({
    end: ENDS[policy === 0 ? at % 3 : at % 2]!,
    rolledBack: false,
    evidence: "observed",
    tier: null,
  })),
}));

const ask = (asked: object): Promise<DeploymentList> =>
  lists.page(listQuery.parse(asked), undefined, ends);

/** All pages of it, seven rows each. */
async function paged(asked: object): Promise<readonly DeploymentRow[]> {
  const rows: DeploymentRow[] = [];
  for (;;) {
    const page = await ask({ ...asked, limit: 7, offset: rows.length });
    rows.push(...page.deployments);
    if (page.deployments.length < 7) {
      expect(rows.length).toBe(page.found);
      return rows;
    }
  }
}

beforeAll(async () => {
  const history = await openHistory(await manyServices(200, 3));
  lists = new DeploymentLists({ history, facts: factsOf(history) });
  const halves = await Promise.all([0, 300].map((offset) => ask({ offset, limit: 500 })));
  whole = [...halves[0]!.deployments.slice(0, 300), ...halves[1]!.deployments];
  deploymentList.parse(halves[0]);
});

const columns = listColumns(POLICIES.map((id) => ({ id, name: id })));

describe("pages of the list", () => {
  test.each(columns.flatMap(({ key }) => [key, `-${key}`]))("are sorted by %s", async (sort) => {
    expect(whole.length).toBe(COUNT);
    expect(await paged({ sort })).toEqual(sorted(whole, columns, sort));
  });

  test.each<[object, (row: DeploymentRow) => boolean]>([
    [{ team: "team-4" }, ({ team }) => team === "team-4"],
    [{ service: "service-0007" }, ({ service }) => service === "service-0007"],
    [{ label: "regression" }, ({ label }) => label === "regression"],
    [{ kind: "migration" }, ({ kind }) => kind === "migration"],
    [{ ends: "held" }, (row) => POLICIES.some((id) => row.ends[id]!.end === "held")],
    [{ ends: "held", policies: "two" }, (row) => row.ends["two"]!.end === "held"],
    [{ differ: "1" }, ({ ends: told }) => told["one"]!.end !== told["two"]!.end],
    [{ differ: "1", policies: "one" }, () => false],
    [{ day: "2026-07-09", zone: "UTC" }, ({ startedAt }) => startedAt.startsWith("2026-07-09")],
    [
      { q: "PERSON-4, v12" },
      ({ author, version }) => `${author}`.includes("person-4") && `${version}`.includes("v12"),
    ],
    [
      { q: "at 08:", zone: "UTC" },
      ({ startedAt, hour }) => startedAt.includes("T08:") || hour === 8,
    ],
  ])("hold what is found by %o", async (asked, isFound) => {
    expect(await paged(asked)).toEqual(whole.filter(isFound));
  });

  test("come with the days of all that is found, whatever the page and the day", async () => {
    const { days, found, total } = await ask({ team: "team-4", zone: "UTC", limit: 1 });
    const rows = whole.filter(({ team }) => team === "team-4");
    expect([found, total]).toEqual([rows.length, COUNT]);
    for (const { day, deployments } of days) {
      expect([day, deployments]).toEqual([
        day,
        rows.filter(({ startedAt }) => startedAt.startsWith(day)).length,
      ]);
    }
    const sum = (all: DeploymentList["days"]) => all.reduce((n, one) => n + one.deployments, 0);
    expect(sum(days)).toBe(rows.length);
    const oneDay = await ask({ team: "team-4", zone: "UTC", day: "2026-07-09", offset: 5 });
    expect(oneDay.days).toEqual(days);
    expect(oneDay.deployments).toEqual([]);
  });

  test.each([
    { limit: 501 },
    { limit: 0 },
    { offset: -1 },
    { offset: 1e9 },
    { q: "x".repeat(201) },
    { zone: "Europe/Nowhere" },
    { day: "yesterday" },
    { sort: "x".repeat(301) },
  ])("are refused before any work: %o", (asked) => {
    expect(listQuery.safeParse(asked).success).toBe(false);
  });
});
