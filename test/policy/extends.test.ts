/** Policies that extend one another: what is inherited, and that nothing tight is loosened. */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadPolicy } from "../../lab/policy/load.ts";
import { inTurn, type Ended } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile } from "../history/smallWorld.ts";

const ORG = `policy: org
owner: platform
signals:
  latency: { metric: latency, tolerance: 10%, detector: { kind: cusum, drift: 2 } }
assign: [{ otherwise: full }]
context:
  rise: { signal: latency, shifts: tolerance, max: 30% }
  promised: { tierAtLeast: approve }
guardrails:
  never: [{ when: { kind: migration } }]
  toleranceAtMost: 60%
  rollbackBudget: { per: service, max: 3, in: 24h }
  cooldown: 30m
  stormBrake: { services: 5, in: 10m }
learning: { fromOverrides: false, discountAtMost: 30% }
`;

/** Writes the files into one directory and gives the path of the last. */
function written(files: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory();
  let last = "";
  for (const [name, text] of Object.entries(files)) {
    last = join(directory, name);
    mkdirSync(dirname(last), { recursive: true });
    writeFileSync(last, text);
  }
  return last;
}

function wrongs(child: string): readonly string[] {
  const file = written({ "org.yaml": ORG, "team/child.yaml": `extends: ../org.yaml\n${child}` });
  const directory = dirname(dirname(file));
  try {
    loadPolicy(file);
  } catch (error) {
    return (error as Error).message.replaceAll(`${directory}/`, "").split("\n");
  }
  return [];
}

describe("a policy that extends another", () => {
  it("is what the merged file would be, whatever its comments and key order", () => {
    const child = written({
      "org.yaml": ORG,
      "child.yaml": "# tighter\nguardrails: { cooldown: 1h }\nextends: org.yaml\npolicy: child\n",
    });
    const flat = written({
      "flat.yaml": ORG.replace("policy: org", "policy: child").replace("30m", "1h"),
    });
    expect(loadPolicy(child).digest).toBe(loadPolicy(flat).digest);
  });

  it("adds to never, replaces lists and detectors of another kind, merges maps", () => {
    const file = written({
      "org.yaml": ORG,
      "child.yaml": `policy: child
extends: org.yaml
signals: { latency: { detector: { kind: ewma } } }
assign: [{ otherwise: approve }]
guardrails: { never: [{ when: { environment: vault } }] }
`,
    });
    const policy = loadPolicy(file);
    expect(policy.guardrails.never).toEqual([{ kind: ["migration"] }, { environment: ["vault"] }]);
    expect(policy.assign).toEqual([{ when: null, tier: "approve" }]);
    expect(policy.signals[0]).toMatchObject({ metric: "latency", detector: { kind: "ewma" } });
    expect(policy.guardrails.toleranceAtMost).toBe(0.6);
  });

  it.each([
    ["guardrails: { toleranceAtMost: 80% }", "guardrails.toleranceAtMost: 80 % loosens 60 %", 11],
    ["guardrails: { cooldown: 10m }", "guardrails.cooldown: 10m loosens 30m", 13],
    [
      "guardrails: { rollbackBudget: { max: 4 } }",
      "guardrails.rollbackBudget.max: 4 loosens 3",
      12,
    ],
    [
      "guardrails: { rollbackBudget: { in: 1h } }",
      "guardrails.rollbackBudget.in: 1h loosens 1d",
      12,
    ],
    [
      "guardrails: { rollbackBudget: { per: team } }",
      "guardrails.rollbackBudget.per: team loosens service",
      12,
    ],
    [
      "guardrails: { stormBrake: { services: 9 } }",
      "guardrails.stormBrake.services: 9 loosens 5",
      14,
    ],
    ["guardrails: { stormBrake: { in: 1m } }", "guardrails.stormBrake.in: 1m loosens 10m", 14],
    ["context: { rise: { max: 40% } }", "context.rise.max: 40 % loosens 30 %", 7],
    ["context: { rise: { for: 3h } }", "context.rise.for: 3h loosens 2h", 7],
    ["learning: { discountAtMost: 40% }", "learning.discountAtMost: 40 % loosens 30 %", 15],
    ["learning: { atLeast: 2 }", "learning.atLeast: 2 loosens 5", 15],
    [
      "context: { promised: { tierAtLeast: override } }",
      "context.promised.tierAtLeast: override loosens approve",
      8,
    ],
  ])("may not say %s, and both lines are named", (line, message, parentLine) => {
    const [first, cure, ...more] = wrongs(`policy: child\n${line}\n`);
    expect(first).toMatch(/^team\/child\.yaml:3:\d+: /);
    expect(first).toContain(`${message} of org.yaml:${parentLine}`);
    expect(cure).toMatch(/may only tighten/);
    expect(more).toEqual([]);
  });

  it("may not lift a signal's tolerance above the parent's ceiling", () => {
    const [first, cure] = wrongs("policy: child\nsignals: { latency: { tolerance: 70% } }\n");
    expect(first).toMatch(
      /^team\/child\.yaml:3:\d+: signals\.latency\.tolerance: 70 % loosens 60 % of org\.yaml:11/,
    );
    expect(cure).toMatch(/write 60 % or less/);
    expect(wrongs("policy: child\nsignals: { latency: { tolerance: 60% } }\n")).toEqual([]);
  });

  describe("and assigns tiers of its own", () => {
    const parent = `assign:
  - { when: { environment: [test] }, tier: full }
  - { when: { criticality: [critical, high] }, tier: approve }
  - { when: { tags: { irreversible: true } }, tier: observe }
  - otherwise: override
`;
    const wrong = (assign: string): string => {
      const file = written({
        "org.yaml": ORG.replace("assign: [{ otherwise: full }]\n", parent),
        "child.yaml": `policy: child\nextends: org.yaml\nassign: ${assign}\n`,
      });
      try {
        loadPolicy(file);
      } catch (error) {
        return (error as Error).message.replaceAll(`${dirname(file)}/`, "");
      }
      return "";
    };

    it("may not give more authority than a parent's rule, and both lines are named", () => {
      const all = wrong("[{ otherwise: full }]");
      expect(all).toMatch(
        /child\.yaml:3:\d+: assign\.0.*: full for criticality critical loosens .*org\.yaml:7\n/,
      );
      expect(all).toMatch(/full for tags\.irreversible true loosens observe of org\.yaml:8\n/);
      expect(all).toMatch(/Repeat the parent's rule before this one/);
    });

    it("is seen through to a rule that hides another", () => {
      const hidden =
        "[{ when: { service: cart }, tier: override }, " +
        "{ when: { criticality: [critical, high] }, tier: approve }, " +
        "{ when: { tags: { irreversible: '*' } }, tier: observe }, { otherwise: full }]";
      expect(wrong(hidden)).toMatch(/assign\.0\.tier: override for .*critical.* loosens approve/);
    });

    const wrongMode = (mode: string, assign = parent): string => {
      const file = written({
        "org.yaml": ORG.replace("assign: [{ otherwise: full }]\n", assign),
        "child.yaml": `policy: child\nextends: org.yaml\n${mode}\n`,
      });
      try {
        loadPolicy(file);
      } catch (error) {
        return (error as Error).message.replaceAll(`${dirname(file)}/`, "");
      }
      return "";
    };

    it("may not give it by a mode or a stage either, and both lines are named", () => {
      const mode = "modes: { night: { calendar: 'Mon 01:00-02:00', tier: { approve: override } } }";
      const all = wrongMode(mode);
      expect(all).toMatch(/child\.yaml:3:\d+: modes\.night\.tier\.approve: override for /);
      expect(all).toContain("criticality critical loosens approve of org.yaml:7\n");
      expect(all).toContain("Leave these out with a `when`, or go no further than approve.");
      expect(wrongMode("stages: { canary: { upTo: 5%, tier: { approve: full } } }")).toMatch(
        /stages\.canary\.tier\.approve: full for criticality critical loosens approve/,
      );
      const kill = "stages: { canary: { upTo: 5%, signals: { latency: { tier: full } } } }";
      expect(wrongMode(kill)).toMatch(/signals\.latency\.tier: full for .* loosens approve/);
      // Two steps, each of another mode.
      const steps =
        "modes: { a: { calendar: 'Mon 01:00-02:00', tier: { approve: observe } }, " +
        "b: { calendar: 'Mon 01:00-02:00', tier: { observe: full } } }";
      expect(wrongMode(steps)).toMatch(/modes\.b\.tier\.observe: full for .* loosens/);
    });

    it("may give it by a mode to others, and what the parent's own mode gives", () => {
      const night = "calendar: 'Mon 01:00-02:00'";
      const others = "when: { criticality: low }";
      expect(wrongMode(`modes: { night: { ${others}, tier: { approve: full } } }`)).toBe("");
      expect(wrongMode(`modes: { night: { ${night}, tier: { override: full } } }`)).toBe("");
      const same = `modes: { night: { ${night}, tier: { approve: override } } }`;
      expect(wrongMode(same, `${parent}${same}\n`)).toBe("");
      const stricter = "assign: [{ otherwise: observe }]";
      expect(wrongMode(`${stricter}\n${same}`)).toBe("");
    });

    it("may be stricter, and may change what the parent leaves open", () => {
      expect(wrong("[{ otherwise: observe }]")).toBe("");
      expect(
        wrong(
          "[{ when: { tags: { irreversible: true } }, tier: observe }, " +
            "{ when: { criticality: [critical, high] }, tier: approve }, { otherwise: full }]",
        ),
      ).toBe("");
    });
  });

  it("may not shorten the override window below what its parent wants, nor want less", () => {
    const file = written({
      "org.yaml": ORG.replace("  cooldown: 30m", "  cooldown: 30m\n  windowAtLeast: 1m"),
      "child.yaml":
        "policy: child\nextends: org.yaml\ntiers: { override: { window: 45s } }\n" +
        "guardrails: { windowAtLeast: 30s }\n",
    });
    expect(() => loadPolicy(file)).toThrow(
      /child\.yaml:4:\d+: .*30s loosens 1m of \S+org\.yaml:14/,
    );
    const short = written({
      "org.yaml": ORG.replace("  cooldown: 30m", "  windowAtLeast: 1m"),
      "child.yaml": "policy: child\nextends: org.yaml\ntiers: { override: { window: 45s } }\n",
    });
    expect(() => loadPolicy(short)).toThrow(
      /child\.yaml:3:\d+: tiers\.override\.window: 45s is shorter than .*windowAtLeast, 1m/,
    );
  });

  it("is held to what a grandparent says, and to an already tighter parent", () => {
    const file = written({
      "org.yaml": ORG,
      "team.yaml": "policy: team\nextends: org.yaml\nguardrails: { cooldown: 2h }\n",
      "child.yaml":
        "policy: child\nextends: team.yaml\nguardrails: { cooldown: 1h, toleranceAtMost: 90% }\n",
    });
    expect(() => loadPolicy(file)).toThrow(/1h loosens 2h of \S+team\.yaml:3/);
    expect(() => loadPolicy(file)).toThrow(/90 % loosens 60 % of \S+org\.yaml:11/);
  });

  it("has a mistake of its parent reported at the parent's line", () => {
    const file = written({
      "org.yaml": ORG.replace("10%", "ten"),
      "child.yaml": "policy: child\nextends: org.yaml\nwach: 1m\n",
    });
    expect(() => loadPolicy(file)).toThrow(/org\.yaml:4:\d+: signals\.latency\.tolerance/);
    expect(() => loadPolicy(file)).toThrow(/child\.yaml:3:1: wach: unknown key/);
  });

  it("needs a name of its own, a file that is there, and an end", () => {
    expect(wrongs("watch: 1h\n")[0]).toMatch(/^team\/child\.yaml:1:1: policy: /);
    const lost = written({ "child.yaml": "policy: child\nextends: lost.yaml\n" });
    expect(() => loadPolicy(lost)).toThrow(/lost\.yaml: no such policy file\n.*child\.yaml:2 ext/);
    const round = written({
      "a.yaml": "policy: a\nextends: b.yaml\n",
      "b.yaml": "policy: b\nextends: a.yaml\n",
    });
    expect(() => loadPolicy(round)).toThrow(/a\.yaml:2:1: extends: goes round in a circle: /);
    const alone = written({ "child.yaml": "policy: child\nextends: [a, b]\n" });
    expect(() => loadPolicy(alone)).toThrow(/child\.yaml:2:1: extends: expected a file/);
    const files: Record<string, string> = {};
    for (let at = 0; at < 10; at++) files[`${at}.yaml`] = `policy: p\nextends: ${at - 1}.yaml\n`;
    expect(() => loadPolicy(written(files))).toThrow(/the chain has more than 8 files/);
  });

  it("is shipped as an example that works", () => {
    const payments = loadPolicy(policyFile("organisation/payments"));
    expect(payments.guardrails.never).toHaveLength(2);
    expect(payments.guardrails.rollbackBudget).toEqual({
      per: "service",
      max: 1,
      inMs: 86_400_000,
    });
    expect(payments.context.map(({ tag, max }) => [tag, max])).toEqual([
      ["customer_commitment", 0.5],
      ["expected_latency_increase", 0.2],
    ]);
  });
});

describe("hindsight policy check", () => {
  const run = (...args: readonly string[]): Promise<Ended> => inTurn(["policy", "check", ...args]);

  it("says all that is wrong with all files and ends with 2", async () => {
    const wrong = written({ "wrong.yaml": `${ORG}wach: 1m\nwatch: soon\n` });
    const { code, stdout, stderr } = await run(policyFile("default"), wrong);
    expect(code).toBe(2);
    expect(stdout).toMatch(/default\.yaml: default, [0-9a-f]{12}\n$/);
    expect(stderr).toMatch(/wrong\.yaml:16:1: wach: unknown key/);
    expect(stderr).toMatch(/wrong\.yaml:17:1: watch: expected a duration/);
  });

  it("prints one document with --json, every problem with its place and cure", async () => {
    const wrong = written({ "wrong.yaml": `${ORG}wach: 1m\n` });
    const { code, stdout } = await run("--json", policyFile("organisation/payments"), wrong);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      files: [
        { policy: "payments", errors: [] },
        { file: wrong, policy: null, errors: [{ file: wrong, line: 16, column: 1 }] },
      ],
    });
  });

  it("warns, and fails for it where it is strict", async () => {
    const smelly = written({ "short.yaml": `${ORG}tiers: { override: { window: 20s } }\n` });
    const [lax, strict] = await Promise.all([run("--json", smelly), run("--strict", smelly)]);
    expect(lax).toMatchObject({ code: 0, stderr: "" });
    const [{ warnings }] = (JSON.parse(lax.stdout) as { files: [{ warnings: object[] }] }).files;
    expect(warnings[0]).toEqual({
      file: smelly,
      line: 16,
      column: 22,
      message:
        "tiers.override.window: people cannot answer within 20s: this is full autonomy with a page",
      cure: "Give people a minute at least, or say `full`.",
    });
    expect(strict.code).toBe(1);
    expect(strict.stderr).toMatch(/short\.yaml:16:22: warning: tiers\.override\.window: people/);
  });
});
