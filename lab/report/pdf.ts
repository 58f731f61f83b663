/** Prints a report with an installed Chromium; nothing is downloaded. */

import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { Problem } from "../problem.ts";
import { makeTemporaryDirectory } from "../unfinished.ts";

const NAMES = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "microsoft-edge",
];
const PRINT_AT_MOST_MS = 120_000;

/** The Chromium that the variable CHROMIUM names, else the first in PATH; null for none. */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string | null {
  const named = environment["CHROMIUM"];
  if (named !== undefined && named !== "") return existsSync(named) ? named : null;
  const folders = (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const name of NAMES) {
    const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  return null;
}

/** Call it before the long work begins. @throws Problem where there is no Chromium */
export function chromiumForPdf(): string {
  const found = findChromium();
  if (found !== null) return found;
  throw new Problem("a PDF is printed by Chromium, and none was found", {
    cure: "Install one, name it in CHROMIUM, or print the HTML from any browser.",
  });
}

/** @throws Problem when it printed nothing */
export async function printPdf(chromium: string, htmlFile: string, pdfFile: string): Promise<void> {
  const profile = makeTemporaryDirectory("print");
  // Chromium's sandbox refuses root; the page runs no script and fetches nothing anyway.
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  try {
    const stderr = await run(chromium, [
      "--headless",
      ...asRoot,
      "--disable-gpu",
      `--user-data-dir=${profile}`,
      "--no-pdf-header-footer",
      `--print-to-pdf=${pdfFile}`,
      pathToFileURL(htmlFile).href,
    ]);
    if (!existsSync(pdfFile)) {
      throw new Problem(`Chromium printed nothing: ${stderr.trim().split("\n").at(-1) ?? ""}`, {
        file: chromium,
        cure: "Print the HTML from any browser.",
      });
    }
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Resolves to the command's stderr. */
function run(command: string, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, {
      stdio: ["ignore", "ignore", "pipe"],
      timeout: PRINT_AT_MOST_MS,
    });
    let stderr = "";
    child.stderr.on("data", (part: Buffer) => (stderr += part.toString()));
    child.on("error", reject);
    child.on("close", () => resolve(stderr));
  });
}
