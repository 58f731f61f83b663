#!/usr/bin/env node
// Starts the built command line, or the sources through tsx in a fresh checkout.
import { existsSync } from "node:fs";

const built = new URL("../../dist/lab/cli/main.js", import.meta.url);
if (existsSync(built)) {
  await import(built.href);
} else {
  const { register } = await import("tsx/esm/api");
  register();
  await import("./main.ts");
}
