/**
 * Sweeps, the worth of tags and the decision log in a real browser: started, cancelled,
 * outliving their server, shared by address, and equal to what the command line says.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatValue } from "../../lab/compare/words.ts";
import { hindsight } from "../commandLine.ts";
import { overflow, policyFile, seriousFindings, startLab, type Lab } from "./lab.ts";
import { CHROMIUM } from "./page.ts";

const POLICY = "two-minute-override";
const VARY = ["tiers.override.window=30s,2m,10m", "signals.latency.tolerance=1%,10%"] as const;
/** More than this machine sweeps before somebody has cancelled it. */
const LONG = "sweep?design=sobol&points=4096&vary=signals.latency.tolerance%3D1%25..60%25";

if (CHROMIUM === null) {
  console.warn("No Chromium here, so the browser tests are skipped; CHROMIUM=… says where it is.");
}

let lab: Lab;

async function json(...words: string[]): Promise<Readonly<Record<string, unknown>>> {
  const where = ["--history", lab.history, "--policy", policyFile(POLICY), "--json"];
  const { code, stdout, stderr } = await hindsight([...words, ...where]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

async function opened(path: string): Promise<Page> {
  const page = await lab.open(path);
  page.setDefaultTimeout(90_000);
  return page;
}

const addressOf = (page: Page): string => {
  const { pathname, search } = new URL(page.url());
  return pathname + search;
};

async function started(path: string): Promise<Page> {
  const page = await opened(path);
  await page.getByRole("button", { name: /^Start/ }).click();
  await page.waitForURL(/[?&]id=s\d+/);
  return page;
}

describe.skipIf(CHROMIUM === null)("findings in a browser", { timeout: 300_000 }, () => {
  beforeAll(async () => {
    lab = await startLab([POLICY]);
  });
  afterAll(async () => lab.close());

  it("says the command that answers the same, as a terminal takes it", async () => {
    const page = await opened("tags");
    const said = await page.locator("code", { hasText: /^hindsight tags / }).innerText();
    const [program, ...words] = said.split(/\s+/);
    expect(program).toBe("hindsight");
    const { code, stdout } = await hindsight(words);
    expect(code).toBe(0);
    expect(stdout).toContain(`Under ${POLICY} the tags`);
  });

  it("sweeps in the background, as sweep --json does, and leads to What if", async () => {
    const vary = VARY.map((one) => `vary=${encodeURIComponent(one)}`).join("&");
    const page = await started(`sweep?${vary}`);
    await page.locator("#variations").waitFor();
    const { variations } = (await json("sweep", ...VARY.flatMap((one) => ["--vary", one]))) as {
      readonly variations: readonly {
        readonly name: string;
        readonly scores: Readonly<Record<string, number>>;
        readonly changes: readonly { readonly path: string; readonly to: string }[];
      }[];
    };
    const shown = await page.locator("tbody tr:has(a[data-name])").evaluateAll((rows) =>
      rows.map((row) => {
        // Columns of the test's own page; the browser's types are not this file's.
        const { children } = row as unknown as {
          readonly children: ArrayLike<{ readonly textContent: string }>;
        };
        return [children[0]!, children[1]!, children[3]!].map((cell) =>
          cell.textContent.trim().split(/\s+\[/)[0]!.trim(),
        );
      }),
    );
    const expected = variations.map(({ name, scores }) => [
      name,
      formatValue("seconds", 60 * scores["recoveryMinutes"]!),
      Math.round(scores["cost"]!).toLocaleString("en-GB"),
    ]);
    expect(shown.map((row) => row.join(" | ")).sort()).toEqual(
      expected.map((row) => row.join(" | ")).sort(),
    );
    // Whoever gets the address sees the same.
    const again = await opened(addressOf(page));
    await again.locator("#variations").waitFor();
    expect(await again.locator("main").innerText()).toBe(await page.locator("main").innerText());
    await again.context().close();

    const changed = variations.find(({ changes }) => changes.length === 2)!;
    await page.locator(`a[data-name="${changed.name}"]`).click();
    await page.waitForURL(/what-if/);
    const { searchParams } = new URL(page.url());
    expect(searchParams.get("base")).toBe(POLICY);
    expect(searchParams.getAll("set")).toEqual(
      changed.changes.map(({ path, to }) => `${path}=${to}`),
    );
    await page.locator("[data-precision=exact]").waitFor();
    await page.context().close();
  });

  it("cancels a sweep, and one that lost its server can be started again", async () => {
    const page = await started(LONG);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.locator("[data-state=cancelled]").waitFor();
    await page.reload();
    await page.getByText("This sweep is cancelled").waitFor();
    await page.getByRole("button", { name: "Start again" }).click();
    await page.locator("[data-state=running]").waitFor();

    await lab.restart("SIGKILL");
    await page.locator("[data-state=interrupted]").waitFor();
    await page.getByRole("button", { name: "Start again" }).click();
    await page.locator("[data-state=running]").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.locator("[data-state=cancelled]").waitFor();
    await page.getByText("all sweeps").click();
    await expect.poll(() => page.locator("tr[data-job]").count()).toBe(2);
    await page.getByRole("button", { name: "forget s2" }).click();
    await expect.poll(() => page.locator("tr[data-job]").count()).toBe(1);
    // While the server was away the browser itself said so.
    lab.complaints.length = 0;
    await page.context().close();
  });

  it("says what tags were worth as tags --json does", async () => {
    const page = await opened("tags");
    await page.locator("#worth").waitFor();
    const { kinds, changes } = (await json("tags")) as {
      readonly kinds: readonly { readonly kind: string; readonly alone: { saved: number } }[];
      readonly changes: readonly { readonly did: string; readonly deploymentId: string }[];
    };
    for (const { kind, alone } of kinds) {
      const cell = page.locator(`[data-kind="${kind}"][data-did=saved]`);
      expect([kind, (await cell.innerText()).split(" ")[0]]).toEqual([kind, String(alone.saved)]);
    }
    const rows = page.locator("table:has(caption:text('differently with tags')) tbody tr");
    expect(await rows.count()).toBe(changes.length);
    await page.getByLabel("team", { exact: true }).selectOption("discovery");
    await expect.poll(() => rows.count()).toBe(1);
    await page.reload();
    await rows.first().waitFor();
    const link = rows.first().getByRole("link");
    const id = await link.innerText();
    expect(changes.map(({ deploymentId }) => deploymentId)).toContain(id);
    await link.click();
    await expect.poll(() => page.locator("h1").innerText()).toBe(id);
    await page.context().close();
  });

  it.each([
    ["sweep?id=s1", "#variations"],
    ["decisions?record=pricing-20260907-1%231", "[data-record]"],
  ])("%s: axe finds nothing serious, and a phone shows it", async (path, settled) => {
    for (const colorScheme of ["light", "dark"] as const) {
      // Axe is a script of the test's own, which our pages would not let in.
      const page = await lab.open(path, { colorScheme, bypassCSP: true });
      await page.locator(settled).first().waitFor({ timeout: 90_000 });
      expect([colorScheme, await seriousFindings(page)]).toEqual([colorScheme, []]);
      await page.setViewportSize({ width: 390, height: 844 });
      expect([colorScheme, await overflow(page)]).toEqual([colorScheme, 0]);
      await page.context().close();
    }
  });

  it("verifies the log, searches it, explains a record, and finds a changed byte", async () => {
    const page = await opened("decisions");
    await page.locator("[data-verified=true]").waitFor();
    const log = join(lab.out, "runs", readdirSync(join(lab.out, "runs"))[0]!, "decisions.jsonl");
    const { stdout } = await hindsight(["audit", "verify", log, "--json"]);
    const verified = JSON.parse(stdout) as { readonly lines: number };
    const said = await page.locator("[data-verified=true]").innerText();
    expect(said).toContain(`the chain of ${verified.lines} lines is whole`);

    const entries = readFileSync(log, "utf8")
      .split("\n")
      .filter((line) => line.includes('"kind":"record"'));
    const rows = page.locator("tr[data-decision]");
    expect(await rows.count()).toBe(entries.length);
    await page.getByLabel("find").fill("storefront tolerated");
    await page.getByLabel("decision", { exact: true }).selectOption("ended");
    const wanted = entries.filter(
      (line) =>
        line.includes('"decision":"ended"') &&
        line.includes('"service":"storefront"') &&
        /"reason":"[^"]*tolerated/.test(line),
    );
    await page.waitForURL(/q=storefront/);
    expect(wanted.length).toBeGreaterThan(0);
    await expect.poll(() => rows.count()).toBe(wanted.length);
    await rows.first().getByRole("button").click();
    await page.locator("[data-record] .why li").first().waitFor();
    const tree = await page.locator("[data-record] .why").innerText();
    await page.reload();
    await page.locator("[data-record] .why li").first().waitFor();
    expect(await page.locator("[data-record] .why").innerText()).toBe(tree);

    await lab.restart("SIGTERM", () => {
      writeFileSync(log, readFileSync(log, "utf8").replace("watched for 1h", "watched for 2h"));
    });
    const after = await opened("decisions");
    await after.locator("[data-verified=false]").waitFor();
    const { stdout: found } = await hindsight(["audit", "verify", log, "--json"]);
    const fault = JSON.parse(found) as { readonly fault: { readonly line: number } };
    expect(await after.getByRole("alert").innerText()).toContain(`line ${fault.fault.line}`);
    lab.complaints.length = 0;
    await after.context().close();
    await page.context().close();
  });

  it("asks nobody else, and nothing was refused or went wrong", () => {
    expect(lab.strangers).toEqual([]);
    expect(lab.complaints).toEqual([]);
  });
});
