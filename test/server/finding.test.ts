/** What a reader types finds what it says, and the calendar counts every day once. */

import { expect, test } from "vitest";
import type { DeploymentRow } from "../../lab/server/contract/deployments.ts";
import { calendarOf } from "../../lab/server/list/calendar.ts";
import { findable, isFound, wordsOf } from "../../lab/server/list/finding.ts";

const ROW: DeploymentRow = {
  deploymentId: "Checkout-20260714-2",
  service: "checkout",
  environment: "production",
  version: "v41",
  author: "Mara.Lind",
  label: "expected_change",
  team: "payments",
  criticality: null,
  kind: "migration",
  tags: ["migration_window"],
  startedAt: "2026-07-14T21:32:00.000Z",
  hour: 23,
  timezone: "Europe/Berlin",
  rolledBackAt: "2026-07-14T22:10:00.000Z",
  ends: {
    two: { end: "rolledBack", rolledBack: true, evidence: "observed", tier: null },
    five: { end: "overridden", rolledBack: false, evidence: "observed", tier: null },
  },
};
const OTHER: DeploymentRow = {
  ...ROW,
  deploymentId: "search-20260720-1",
  service: "search",
  startedAt: "2026-07-20T08:00:00.000Z",
  rolledBackAt: null,
  ends: {},
};
const rows = [ROW, OTHER];
const findables = (policies: readonly string[], zone: string) =>
  rows.map((row) => findable(row, policies, zone));

const foundBy = (asked: string, zone = "UTC"): readonly string[] =>
  findables(["two", "five"], zone)
    .filter((one) => isFound(one, {}, wordsOf(asked)))
    .map(({ row }) => row.service);

test.each([
  ["checkout 23:32", ["checkout"]],
  ["CHECKOUT 21:32", ["checkout"]],
  ["checkout 22:32", []],
  ["mara", ["checkout", "search"]],
  ["2026-07-14", ["checkout"]],
  ["14 july, tuesday", ["checkout"]],
  ["tue jul v41 payments migration_window migration", ["checkout"]],
  ["somebody objected", ["checkout"]],
  ["rolled back by history", ["checkout"]],
  ["expected change", ["checkout", "search"]],
  ["  ", ["checkout", "search"]],
  ["checkout search", []],
])("%s", (asked, services) => {
  expect(foundBy(asked)).toEqual(services);
});

test("a day and a clock are those that the page shows", () => {
  const tokyo = findables([], "Asia/Tokyo");
  expect(tokyo.map(({ day }) => day)).toEqual(["2026-07-15", "2026-07-20"]);
  expect(foundBy("06:32", "Asia/Tokyo")).toEqual(["checkout"]);
});

test("policies differ where their ends do", () => {
  const ways = (policies: readonly string[]) => findables(policies, "UTC").map((one) => one.ways);
  expect(ways(["two", "five"])).toEqual([2, 0]);
  expect(ways(["two"])).toEqual([1, 0]);
});

test("a calendar has whole weeks and every count once", () => {
  const days = calendarOf(findables([], "UTC"), ["2026-07-20"]);
  expect([days.length, days[0]!.day, days.at(-1)!.day]).toEqual([14, "2026-07-13", "2026-07-26"]);
  expect(days.filter(({ deployments }) => deployments > 0)).toEqual([
    { day: "2026-07-14", deployments: 1, incidents: 0, rollbacks: 1 },
    { day: "2026-07-20", deployments: 1, incidents: 1, rollbacks: 0 },
  ]);
  expect(calendarOf([], [])).toEqual([]);
});
