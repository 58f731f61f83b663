/**
 * How the tests run: four processes, because a third of their time they wait for the programs
 * that they started, and two cores then stand idle.
 * A process runs many files and loads the sources once: no test replaces a module, and the
 * engine keeps nothing between calls.
 */
import { defineConfig } from "vitest/config";
import { builtSources } from "./built.ts";

/** A busy machine is no defect, and what hangs still ends. Long proofs take minutes each. */
const TEST_MS = process.env["SOAK"] === "1" ? 3_600_000 : 180_000;

export default defineConfig({
  // Built once in a run: a watch for changes needs the sources.
  plugins: process.argv.includes("run") ? [builtSources] : [],
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    globalSetup: "test/run.ts",
    testTimeout: TEST_MS,
    hookTimeout: 240_000,
    pool: "forks",
    isolate: false,
    // Random cases make much that is soon forgotten: moved about less, it costs a tenth less.
    // A failure in a built source is shown at its place in the source.
    execArgv: ["--max-semi-space-size=64", "--enable-source-maps"],
    server: { deps: { external: [/\/built\/dist\//] } },
    maxWorkers: 4,
  },
});
