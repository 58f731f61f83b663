/** What deployments of GitHub tell of rollbacks, and what they do not tell. */

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PLAIN_NAMING } from "../../lab/history/import/exports/foreign.ts";
import { readGithub } from "../../lab/history/import/exports/github.ts";
import { decidedAtGithub } from "../../lab/history/import/exports/githubDecisions.ts";
import { openHistory } from "../../lab/history/open.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { plainFiles, writeFiles } from "./samples.ts";

const at = (time: string): number => Date.parse(`2026-07-01T${time}Z`);

describe("a rollback at GitHub", () => {
  const sha = (letter: string): string => letter.repeat(40);
  interface Told {
    readonly id: number;
    readonly sha: string;
    readonly minute: number;
    readonly ends?: "success" | "failure" | "inactive" | "pending" | "in_progress";
    readonly who?: string;
    readonly about?: object;
  }
  const minuteOf = (minute: number): string =>
    new Date(at("00:00:00") + minute * 60_000).toISOString();
  /** As the API gives it: a status `in_progress`, and a minute later the last one. */
  const told = ({ id, sha: version, minute, ends = "success", who = "ada", about }: Told) => {
    const begun = { state: "in_progress", created_at: minuteOf(minute) };
    const ended = { state: ends, created_at: minuteOf(minute + 1) };
    return {
      ...{ id, sha: version, ref: "main", task: "deploy", environment: "production" },
      ...{ creator: { login: who }, created_at: minuteOf(minute), description: "" },
      repository_url: "https://api.github.com/repos/acme/shop",
      statuses: ends === "pending" ? [ended] : [begun, ended],
      ...about,
    };
  };
  const decided = (all: readonly Told[]): unknown[] =>
    decidedAtGithub(readGithub(all.map(told), PLAIN_NAMING).rows).map(
      ({ deploymentId, what, by, atMs }) => {
        const id = deploymentId.slice("github/acme/shop/".length);
        return `${id} ${what} by ${by ?? "nobody"} at ${(atMs - at("00:00:00")) / 60_000}`;
      },
    );
  const A = { id: 1, sha: sha("a"), minute: 0 };
  const B = { id: 2, sha: sha("b"), minute: 10 };
  const back = { id: 3, sha: sha("a"), minute: 20, who: "grace" };

  it("is a later deployment of the earlier SHA, by its creator", () => {
    const rollback = ["2 rollbackStarted by grace at 20", "2 rollbackFinished by grace at 21"];
    expect(decided([A, B, back])).toEqual(rollback);
    // In any order, and whatever became of the one that was taken back, as long as it began.
    expect(decided([back, B, A])).toEqual(rollback);
    for (const ends of ["failure", "inactive", "in_progress"] as const) {
      expect(decided([A, { ...B, ends }, back]), ends).toEqual(rollback);
    }
    const said = { ...back, about: { description: "Errors are up" } };
    const { rows } = readGithub([A, B, said].map(told), PLAIN_NAMING);
    const justification = "github/acme/shop/3 brings back aaaaaaaaaaaa: Errors are up";
    expect(decidedAtGithub(rows)[0]).toMatchObject({ justification });
  });

  it("that failed is tried again by the next one", () => {
    const again = { id: 4, sha: sha("a"), minute: 30, who: "deploy[bot]" };
    expect(decided([A, B, { ...back, ends: "failure" }, again])).toEqual([
      "2 rollbackStarted by grace at 20",
      "2 rollbackFailed by grace at 21",
      "2 rollbackStarted by deploy[bot] at 30",
      "2 rollbackFinished by deploy[bot] at 31",
    ]);
  });

  it("of which the end is not told has none", () => {
    expect(decided([A, B, { ...back, ends: "in_progress" }])).toEqual([
      "2 rollbackStarted by grace at 20",
    ]);
  });

  const WEEK = 7 * 1440;
  it.each<[string, readonly Told[]]>([
    ["the earlier one never succeeded", [{ ...A, ends: "failure" }, B, back]],
    ["the later one never began", [A, { ...B, ends: "pending" }, back]],
    ["the rollback never began", [A, B, { ...back, ends: "pending" }]],
    ["the same is deployed again", [A, { ...A, id: 2, minute: 10 }]],
    ["nothing came back", [A, { ...B, ends: "failure" }]],
    ["it comes back after more than a week", [A, B, { ...back, minute: 11 + WEEK }]],
    ["it is another environment", [A, B, { ...back, about: { environment: "staging" } }]],
    ["it is another service", [A, B, { ...back, about: { payload: { service: "cart" } } }]],
    ["the version is a branch", [A, B, back].map((one) => ({ ...one, sha: "main" }))],
  ])("is none where %s", (_what, all) => {
    expect(decided(all)).toEqual([]);
  });

  it("is none where the newer one comes again after it", () => {
    const forward = { id: 4, sha: sha("b"), minute: 30 };
    expect(decided([A, B, back, forward]).at(-1)).toBe("2 rollbackFinished by grace at 21");
  });

  it("is no review of a protection rule", () => {
    const review = {
      action: "approved",
      approver: { login: "grace" },
      comment: "go",
      since: minuteOf(5),
      workflow_run: { id: 9, head_sha: sha("b") },
      repository: { full_name: "acme/shop" },
    };
    const { rows, problems } = readGithub([told(A), review], PLAIN_NAMING);
    expect([rows.length, decidedAtGithub(rows)]).toEqual([1, []]);
    expect(problems).toEqual(["element 2: it has no id of a deployment"]);
  });

  it("is kept as a decision of the history, and the import says so", async () => {
    const rows = [A, B, back].map((one) =>
      JSON.stringify(told({ ...one, minute: one.minute + 60 })),
    );
    const { "metrics.csv": metrics } = plainFiles();
    const dir = writeFiles({ "metrics.csv": metrics!, "github.json": rows });
    const out = join(temporaryDirectory(), "history");
    const words = ["import", "csv", dir, "--out", out, "--github", join(dir, "github.json")];
    const { code, stderr } = await inTurn(words);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("taken as rolled back: 1 GitHub deployment (github/acme/shop/2)");
    const history = await openHistory(out);
    const kept = history.tables.decisions.map(({ deploymentId, what, by }) => [
      deploymentId,
      what,
      by,
    ]);
    history.close();
    expect(kept).toEqual([
      ["github/acme/shop/2", "rollbackStarted", "grace"],
      ["github/acme/shop/2", "rollbackFinished", "grace"],
    ]);
  });
});
