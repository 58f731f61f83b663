/** The quarterly report through the command line: its numbers are those of the commands. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { formatValue, SHOWN } from "../../lab/compare/words.ts";
import type { ReportDocument } from "../../lab/report/document.ts";
import { faultsIn, readReport } from "../../lab/report/check.ts";
import { takeOut } from "../../lab/report/embedded.ts";
import { reportHtml } from "../../lab/report/html.ts";
import { reportMarkdown } from "../../lab/report/markdown.ts";
import { usualQuarter } from "../../lab/report/quarter.ts";
import { FIELDS } from "../../lab/score/fields.ts";
import { estimateIn } from "../../lab/score/scorecard.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile, ROOT } from "../history/smallWorld.ts";

const directory = temporaryDirectory();
const history = join(directory, "history");
const page = join(directory, "report.html");
const markdown = join(directory, "report.md");
const current = policyFile("tagged-threshold");
const candidate = policyFile("two-minute-override");
const policies = ["--policy", current, "--candidate", candidate];
/** Two draws, so that the model is tested and its error is among the numbers. */
const numbers = ["--draws", "2", "--replicates", "100"];

/** Rows of a scorecard that a report must show, whatever else it leaves out. */
const IN_THE_TABLES = new Set([
  "rollbacks",
  "falsePositiveRollbacks",
  "falsePositiveRate",
  "missRate",
  "mttr",
  "pagesPerWeek",
  "toilHours",
]);

let document: ReportDocument;

async function json(words: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout, stderr, code } = await inTurn([...words, "--json"]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** Without what depends on the clock. */
function timeless(document: Record<string, unknown>): Record<string, unknown> {
  const manifest = { ...(document["manifest"] as { timing?: unknown }) };
  delete manifest.timing;
  return { ...document, manifest };
}

beforeAll(async () => {
  const example = join(ROOT, "datasets/example");
  const words = ["import", "csv", example, "--out", history, "--timestamp", "end"];
  expect((await inTurn(words)).code).toBe(0);
  const out = ["--out", page, "--markdown", markdown];
  // Of which quarter, the history says.
  document = (await json([
    "report",
    "--history",
    history,
    ...policies,
    ...numbers,
    ...out,
  ])) as unknown as ReportDocument;
});

describe("a report", () => {
  it("has the numbers of compare and of tags", async () => {
    const two = ["--policy", current, "--policy", candidate];
    const stretch = ["--from", "2026-07-01", "--to", "2026-10-01", ...numbers];
    const compared = await json(["compare", "--history", history, ...two, ...stretch]);
    // The report holds its differences against a budget as well.
    const differences = document.comparison!.differences.map((one) => {
      return { ...one, tippingAtLimit: null };
    });
    expect({ ...document.comparison, differences }).toEqual(timeless(compared));
    const valued = await json(["tags", "--history", history, "--policy", current, ...stretch]);
    expect(document.tags).toEqual(timeless(valued));
  });

  it("shows the numbers that it holds, in HTML and in Markdown", () => {
    const shown = [readFileSync(page, "utf8"), readFileSync(markdown, "utf8")];
    expect(shown).toEqual([reportHtml(document), reportMarkdown(document)]);
    for (const text of shown) expect(takeOut(text)!.document).toEqual(document);
    const cards = document.comparison!.scorecards;
    for (const [name, title] of SHOWN.filter((one) => IN_THE_TABLES.has(one[0]))) {
      const line = shown[1]!.split("\n").find((one) => one.startsWith(`| ${title} |`))!;
      const cells = line.split(" | ").slice(1, 3);
      const { unit } = FIELDS.find((field) => field.name === name)!;
      const said = Object.values(cards).map((card) => {
        const { value } = estimateIn(card, name);
        return value === null ? "cannot say" : formatValue(unit, value);
      });
      expect(cells.map((cell) => cell.split("<br>")[0])).toEqual(said);
    }
  });

  it("is of the quarter that the history has, and links into no lab that was not named", () => {
    expect(document.asked.quarter).toBe("2026Q3");
    expect(document.faults.length).toBeGreaterThan(0);
    const linked = { ...document, asked: { ...document.asked, lab: "https://lab.example.org" } };
    const links = (one: ReportDocument): number =>
      reportHtml(one).match(/href="[^"]*\/deployment\?/g)?.length ?? 0;
    expect(links(linked)).toBe(document.faults.length);
    expect(links(document)).toBe(0);
  });

  it("says what observed, modelled, bounded and unknown mean", () => {
    for (const text of [reportHtml(document), reportMarkdown(document)]) {
      for (const word of ["observed", "modelled", "bounded", "unknown"]) {
        expect(text).toMatch(new RegExp(`["“]?(&quot;)?${word}(&quot;)?["”]? means: `));
      }
    }
  });

  it("runs nothing and fetches nothing", () => {
    const text = readFileSync(page, "utf8");
    expect(text).toContain("default-src 'none'");
    expect(text.match(/<script[^>]*>/g)).toEqual([
      '<script type="application/json" id="hindsight-report">',
    ]);
    expect(takeOut(text)!.shown).not.toMatch(/ (src|style|on\w+)=|@import|url\(/);
  });

  // That an unchanged one is the same again, the README's commands show.
  it("is checked: every changed number or word is named", () => {
    const text = readFileSync(page, "utf8");
    const tampered = (change: (text: string) => string): ReturnType<typeof faultsIn> => {
      const file = join(directory, "tampered.html");
      expect(change(text)).not.toBe(text);
      writeFileSync(file, change(text));
      return faultsIn(readReport(file), document);
    };
    expect(tampered((one) => one.replace(document.decision.title, "Adopt it."))[0]!.at).toMatch(
      /^decision.title|the page/,
    );
    const inside = tampered((one) =>
      one.replace(
        /"missedShare"|"missRate": \{\n\s+"value": [^,]+/,
        '"missRate": {\n "value": 0.001',
      ),
    );
    expect(inside[0]!.at).toMatch(/^comparison\.scorecards\.tagged-threshold\.missRate\.value$/);
    const outside = tampered((one) =>
      one.replace(/<small>[^<]+<\/small>/, "<small>1 to 2</small>"),
    );
    expect(outside[0]!.at).toMatch(/the page, line/);
  });
});

describe("a report without --candidate", () => {
  it("is on the policy in force, with the numbers of replay, and can be checked", async () => {
    const file = join(directory, "in-force.html");
    const one = ["--draws", "1", "--replicates", "100"];
    const words = ["report", "--history", history, "--policy", current, ...one, "--out", file];
    const { stdout } = await inTurn([...words, "--markdown", join(directory, "in-force.md")]);
    expect(stdout).toMatch(/^What tagged-threshold did\.\n {2}tagged-threshold rolled back \d+ of/);
    const alone = readReport(file).document as ReportDocument;
    const stretch = ["--from", "2026-07-01", "--to", "2026-10-01", ...one];
    const replayed = await json(["replay", "--history", history, "--policy", current, ...stretch]);
    expect(alone.comparison!.scorecards).toEqual({ "tagged-threshold": replayed["scorecard"] });
    expect(alone.gate).toBeNull();
    // It names what it did wrong, as the report with a proposal does.
    const wrong = document.faults.filter(({ current: { fault } }) => fault);
    expect(alone.faults.map(({ deploymentId }) => deploymentId)).toEqual(
      wrong.map(({ deploymentId }) => deploymentId),
    );
    const text = readFileSync(join(directory, "in-force.md"), "utf8");
    expect(takeOut(text)!.shown).not.toMatch(/undefined|proposed policy|\bnull\b|under either/i);
    expect((await inTurn(["report", "--check", file])).code).toBe(0);
    const more = await inTurn(["report", "--check", file, "--candidate", candidate]);
    expect(more.code).toBe(1);
    expect(more.stdout).toContain("policies.1");
    const other = await inTurn(["report", "--check", file, "--policy", candidate]);
    expect(other.code).toBe(1);
    expect(other.stdout).toContain("policies.0.digest");
  });
});

describe("a report without --quarter", () => {
  const of = (from: string, to: string): string | null =>
    usualQuarter({ from: `${from}T00:00:00Z`, to: `${to}T00:00:00Z` })?.name ?? null;

  it.each([
    ["the last that the history has whole", "2025-11-10", "2026-07-20", "2026Q2"],
    ["a longer one before it does not win", "2025-10-01", "2026-04-01", "2026Q1"],
    ["a few days lack", "2026-07-03", "2026-10-01", "2026Q3"],
    ["none whole: of which it has more than half", "2026-08-01", "2026-10-20", "2026Q3"],
    ["none whole: the only one", "2026-09-07", "2026-09-11", "2026Q3"],
    ["less than half of two", "2026-09-20", "2026-10-10", null],
    ["more than half of two", "2026-08-01", "2026-12-01", null],
  ])("%s", (_, from, to, name) => {
    expect(of(from, to)).toBe(name);
  });

  it("refuses a history of parts of two, and names them", async () => {
    const table = join(directory, "two-quarters");
    mkdirSync(table);
    const rows = ["2026-09-20", "2026-10-10"].map((day) => `shop,rate,${day}T00:00:00Z,1`);
    writeFileSync(join(table, "metrics.csv"), `service,metric,ts,value\n${rows.join("\n")}\n`);
    const deployment = "d,shop,2026-09-21T00:00:00Z,code";
    writeFileSync(
      join(table, "deployments.csv"),
      `deployment_id,service,deployed_at,kind\n${deployment}\n`,
    );
    const out = join(directory, "two");
    expect((await inTurn(["import", "csv", table, "--out", out, "--timestamp", "end"])).code).toBe(
      0,
    );
    const words = ["report", "--history", out, "--policy", current, "--json"];
    const { code, stderr } = await inTurn(words);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /--quarter is missing, and the history has 12 % of 2026Q3, 10 % of 2026Q4/,
    );
  });
});
