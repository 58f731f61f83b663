/**
 * Pictures of every view, light and dark, wide and on a phone, into a folder that git does
 * not see: `npm run screenshots`, or with a history of your own,
 * `npm run screenshots -- DIR DEPLOYMENT POLICY POLICY…`.
 */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { startLab } from "./lab.ts";
import { CHROMIUM } from "./page.ts";
import { viewsOf, type Shown } from "./views.ts";

const OUT = fileURLToPath(new URL("../../.hindsight/screenshots", import.meta.url));
const SIZES = { wide: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } } as const;
const [history, deployment = "pricing-20260909-3", ...policies] = process.argv.slice(2);

if (CHROMIUM === null) {
  console.error("No Chromium here: install it, or say where it is with CHROMIUM=…");
  process.exit(2);
}
mkdirSync(OUT, { recursive: true });
// Beside node_modules, which the command line built there needs.
const scratch = mkdtempSync(join(dirname(OUT), "pictured-"));
process.env["HINDSIGHT_TESTS"] = scratch;
const lab = await startLab(
  policies.length > 0 ? policies : ["full-autonomy", "two-minute-override", "five-minute-override"],
  history,
);
const swept = await sweptPath();
for (const colorScheme of ["light", "dark"] as const) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const { name, path, settled } of [...viewsOf(deployment), swept]) {
      const page = await lab.open(path, { colorScheme, viewport });
      await page.locator(settled).first().waitFor({ timeout: 300_000 });
      await page.waitForLoadState("networkidle");
      const file = join(OUT, `${name}-${colorScheme}-${size}.png`);
      await page.screenshot({ path: file, fullPage: true });
      console.log(relative(process.cwd(), file));
      await page.context().close();
    }
  }
}
await lab.close();
rmSync(scratch, { recursive: true, force: true });
/** A sweep is there to be seen when it is done; the first picture waits for it. */
async function sweptPath(): Promise<Shown> {
  const page = await lab.open("sweep");
  await page.getByRole("button", { name: /^Start/ }).click();
  await page.waitForURL(/[?&]id=/);
  const { pathname, search } = new URL(page.url());
  await page.context().close();
  return { name: "swept", path: pathname + search, settled: "#variations" };
}
for (const complaint of new Set(lab.complaints)) console.error(complaint);
