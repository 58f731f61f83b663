#!/usr/bin/env node
// Starts the command line: the sources through tsx in a checkout, so that what runs
// is what is written; the built files where tsx or the sources are not installed.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const built = new URL("../../dist/lab/cli/main.js", import.meta.url);
if (existsSync(new URL("./main.ts", import.meta.url)) && hasTsx()) {
  const { register } = await import("tsx/esm/api");
  register();
  await import("./main.ts");
} else if (existsSync(built)) {
  await import(built.href);
} else {
  process.stderr.write("hindsight: not built: run `npm ci && npm run build` first\n");
  process.exitCode = 2;
}

function hasTsx() {
  try {
    createRequire(import.meta.url).resolve("tsx/esm/api");
    return true;
  } catch {
    return false;
  }
}
