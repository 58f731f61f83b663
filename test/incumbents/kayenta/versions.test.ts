/** Kayenta on a world in which old and new versions serve side by side. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inTurn } from "../../commandLine.ts";
import { temporaryDirectory } from "../../directories.ts";

const FOLDER = "scenarios/incumbents";

test("the policy of the scenario is the one that the import makes", async () => {
  const out = temporaryDirectory();
  const made = await inTurn([
    ...["policy", "import", "kayenta", `${FOLDER}/canary.json`, `${FOLDER}/canary-stage.json`],
    ...["--owner", "checkout", "--name", "canary-policy", "--out", out],
    ...["--metric", "latency=latency_p95_ms", "--metric", "errors=error_rate"],
  ]);
  expect(made.code).toBe(0);
  const file = readFileSync(join(FOLDER, "canary-policy.yaml"), "utf8");
  expect(file).toBe(readFileSync(join(out, "canary-policy.yaml"), "utf8"));
});

test("the scenario finds what its answer says", async () => {
  const tested = await inTurn(["scenario", "test", `${FOLDER}/versions.yaml`]);
  expect(tested).toMatchObject({ code: 0, stderr: "" });
});
