/**
 * The web lab as somebody meets it: the built command line serves the built pages of a
 * real history to a real Chromium. Made once for a file of tests.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { build } from "vite";
import { builtCommandLine, hindsight } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { madeOnce } from "../once.ts";
import { CHROMIUM } from "./page.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export const policyFile = (name: string): string => join(ROOT, `scenarios/policies/${name}.yaml`);

export interface Lab {
  readonly url: string;
  readonly history: string;
  /** The run directory: drafts, sweeps and logs, which outlive the server. */
  readonly out: string;
  /** What pages asked of other servers, and what they complained about. */
  readonly strangers: string[];
  readonly complaints: string[];
  open(path: string, options?: BrowserContextOptions): Promise<Page>;
  /** Ends the server and starts it again at its address, on what it left behind. */
  restart(signal: NodeJS.Signals, meanwhile?: () => void | Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** @param policies names of shipped ones; the first is the baseline */
export async function startLab(policies: readonly string[], history?: string): Promise<Lab> {
  const dir = history ?? (await exampleHistory());
  const commandLine = await builtCommandLine();
  const pages = join(dirname(commandLine), "../../ui");
  await madeOnce(pages, async (partial) => {
    const configFile = join(ROOT, "ui/vite.config.ts");
    await build({ configFile, logLevel: "error", build: { outDir: partial } });
  });
  const words = policies.flatMap((name) => ["--policy", policyFile(name)]);
  const out = temporaryDirectory();
  const serve = (port: string): ChildProcess => {
    const where = ["--history", dir, "--port", port, "--out", out, "--json"];
    return spawn(process.execPath, [commandLine, "serve", ...where, ...words], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  };
  let server = serve("0");
  const url = await addressOf(server);
  const browser = await chromium.launch({
    executablePath: CHROMIUM!,
    args: ["--no-sandbox", "--force-prefers-reduced-motion"],
  });
  const strangers: string[] = [];
  const complaints: string[] = [];
  return {
    url,
    history: dir,
    out,
    strangers,
    complaints,
    open: async (path, options = {}) => {
      const page = await pageOf(browser, options);
      page.on("request", (request) => {
        const asked = request.url();
        if (!asked.startsWith(url) && !/^(blob|data):/.test(asked)) strangers.push(asked);
      });
      page.on("pageerror", (error) => complaints.push(`${path}: ${error.message}`));
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(`${path}: ${message.text()}`);
      });
      await page.goto(url + path.replace(/^\//, ""));
      return page;
    },
    restart: async (signal, meanwhile) => {
      await ended(server, signal);
      await meanwhile?.();
      server = serve(new URL(url).port);
      await addressOf(server);
    },
    close: async () => {
      await browser.close();
      await ended(server, "SIGTERM");
    },
  };
}

async function pageOf(browser: Browser, options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    colorScheme: "light",
    ...options,
  });
  return context.newPage();
}

/** The example of the repository: four services over four days. */
async function exampleHistory(): Promise<string> {
  const out = join(temporaryDirectory(), "example");
  const source = join(ROOT, "datasets/example");
  const words = ["import", "csv", source, "--out", out, "--timestamp", "end"];
  const { code, stderr } = await hindsight(words);
  if (code !== 0) throw new Error(stderr);
  return out;
}

function addressOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let told = "";
    server.stdout!.on("data", (part: Buffer) => {
      told += part.toString();
      const url = /"url":\s*"([^"]+)"/.exec(told)?.[1];
      if (url !== undefined) resolve(url);
    });
    server.once("exit", (code) => {
      reject(new Error(`the server ended with ${code} before it listened`));
    });
  });
}

function ended(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    server.once("exit", () => {
      resolve();
    });
    server.kill(signal);
  });
}

/** Rule and place of everything that axe finds serious or worse. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  // What is being answered anew is faint, and is not read by anyone then.
  await page.waitForFunction(
    "document.querySelector('.answer[aria-busy=true]') === null && " +
      "document.getAnimations().every(({ playState }) => playState !== 'running')",
  );
  await page.addScriptTag({ content: axe.source });
  const found = await page.evaluate<
    readonly {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly target: readonly string[] }[];
    }[]
  >("axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)");
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}

/** How far a page is wider than its window. */
export async function overflow(page: Page): Promise<number> {
  const width = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
  return Math.max(0, width as number);
}
