#!/usr/bin/env node
// Starts the command line: the sources through tsx in a checkout, so that what runs
// is what is written; the built files where Hindsight is installed as a package.
import { existsSync } from "node:fs";

if (existsSync(new URL("./main.ts", import.meta.url))) {
  const { register } = await import("tsx/esm/api");
  register();
  await import("./main.ts");
} else {
  await import(new URL("../../dist/lab/cli/main.js", import.meta.url).href);
}
