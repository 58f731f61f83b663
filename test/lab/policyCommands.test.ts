/** `hindsight policy diff` and `resolve` as a shell sees them. */

import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { policyFile } from "./smallWorld.ts";

const run = (...args: readonly string[]) =>
  spawnSync("node", ["lab/cli/hindsight.js", "policy", ...args], { encoding: "utf8" });

describe("hindsight policy diff", () => {
  const [two, five] = [policyFile("two-minute-override"), policyFile("five-minute-override")];

  it("says the differences, and ends with 1 only where it is asked to", () => {
    const { status, stdout } = run("diff", two, five);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^name .*\noverride window 2m → 5m\n$/);
    const asked = run("diff", two, five, "--exit-code", "--json");
    expect(asked.status).toBe(1);
    expect(JSON.parse(asked.stdout)).toMatchObject({
      same: false,
      differences: [{}, { path: ["tiers", "override", "window"], before: "2m", after: "5m" }],
    });
  });

  it("says of equal policies that they are one", () => {
    const { status, stdout } = run("diff", two, two, "--exit-code");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^The same policy, [0-9a-f]{12}\.\n$/);
  });
});

describe("hindsight policy resolve", () => {
  it("of a described deployment prints one document", () => {
    const file = policyFile("organisation/payments");
    const when = ["--at", "2026-11-24T22:32:00Z", "--timezone", "Europe/Berlin"];
    const { status, stdout } = run(
      "resolve",
      file,
      ...when,
      "--tag",
      "customer_commitment",
      "--json",
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      tier: "approve",
      tierPath: [{ rule: "assign.otherwise" }, { rule: "context.customer_commitment.tierAtLeast" }],
      tags: [{ tag: "customer_commitment", counts: true }],
    });
  });

  it("wants an instant, and a history for a name", () => {
    const file = policyFile("default");
    expect(run("resolve", file)).toMatchObject({ status: 2, stdout: "" });
    const { status, stderr } = run("resolve", file, "--deployment", "d1");
    expect(status).toBe(2);
    expect(stderr).toMatch(/names a deployment of a history/);
  });
});
