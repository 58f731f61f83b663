/** `hindsight policy diff` and `resolve` as a shell sees them. */

import { describe, expect, it } from "vitest";
import { inTurn, type Ended } from "../commandLine.ts";
import { policyFile } from "../history/smallWorld.ts";

const run = (...args: readonly string[]): Promise<Ended> => inTurn(["policy", ...args]);

describe("hindsight policy diff", () => {
  const [two, five] = [policyFile("two-minute-override"), policyFile("five-minute-override")];

  it("says the differences, and ends with 1 only where it is asked to", async () => {
    const { code, stdout } = await run("diff", two, five);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^name .*\noverride window 2m → 5m\n$/);
    const asked = await run("diff", two, five, "--exit-code", "--json");
    expect(asked.code).toBe(1);
    expect(JSON.parse(asked.stdout)).toMatchObject({
      same: false,
      differences: [{}, { path: ["tiers", "override", "window"], before: "2m", after: "5m" }],
    });
  });

  it("says of equal policies that they are one", async () => {
    const { code, stdout } = await run("diff", two, two, "--exit-code");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^The same policy, [0-9a-f]{12}\.\n$/);
  });
});

describe("hindsight policy resolve", () => {
  it("of a described deployment prints one document", async () => {
    const file = policyFile("organisation/payments");
    const when = ["--at", "2026-11-24T22:32:00Z", "--timezone", "Europe/Berlin"];
    const { code, stdout } = await run(
      "resolve",
      file,
      ...when,
      "--tag",
      "customer_commitment",
      "--json",
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      tier: "approve",
      tierPath: [{ rule: "assign.otherwise" }, { rule: "context.customer_commitment.tierAtLeast" }],
      tags: [{ tag: "customer_commitment", counts: true }],
    });
  });

  it("wants an instant, and a history for a name", async () => {
    const file = policyFile("default");
    expect(await run("resolve", file)).toMatchObject({ code: 2, stdout: "" });
    const { code, stderr } = await run("resolve", file, "--deployment", "d1");
    expect(code).toBe(2);
    expect(stderr).toMatch(/names a deployment of a history/);
  });
});
