/**
 * The linter of alerting rules. Goal: what it finds is what happens, and its mends mend. Method: a
 * rule for each finding, one beside it without, and each mend applied to the file and linted again.
 */

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkRule, type RuleCheck, type RuleMend } from "../../lab/policy/lint/ruleChecks.ts";
import { ruleMendText, ruleText } from "../../lab/policy/lint/ruleText.ts";
import { lintFiles } from "../../lab/policy/lint/lint.ts";
import { temporaryDirectory } from "../directories.ts";
import { importedRules } from "./alerts.ts";

const HAS = spawnSync("promtool", ["--version"]).status === 0;
const SETTINGS = { watchMs: 3_600_000, serviceLabel: "service" };

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
}

function fileOf(rules: readonly Rule[]): string {
  return JSON.stringify({ groups: [{ name: "g", interval: "1m", rules }] });
}

function linted(rules: readonly Rule[]): RuleCheck[] {
  const { alerts } = importedRules(fileOf(rules));
  return alerts.flatMap((alert) => checkRule(alert, alerts, SETTINGS));
}

function mended(rules: readonly Rule[], mend: RuleMend): Rule[] {
  if (!("key" in mend)) return [...rules, mend];
  const [first, ...others] = rules;
  return [{ ...first!, [mend.key]: mend.text }, ...others];
}

/** Data that is there and watched over, so that a rule has no other fault. */
const up = (expr: string): Rule => ({ alert: "Gone", expr: `absent(${expr})`, for: "10m" });

const CASES: readonly (readonly [RuleCheck["code"], readonly Rule[], readonly Rule[]])[] = [
  ["alwaysActive", [{ alert: "A", expr: "a > bool 5" }], [{ alert: "A", expr: "a > 5" }]],
  ["neverFires", [{ alert: "A", expr: "a > +Inf" }], [{ alert: "A", expr: "a > 1" }]],
  [
    "neverFiresInWatch",
    [{ alert: "A", expr: "a > 5", for: "61m" }],
    [{ alert: "A", expr: "a > 5", for: "60m" }],
  ],
  [
    "holdBelowInterval",
    [{ alert: "A", expr: "a > 5", for: "30s" }],
    [{ alert: "A", expr: "a > 5", for: "1m" }],
  ],
  [
    "serviceLabelDropped",
    [{ alert: "A", expr: "sum by (job) (rate(a[5m])) > 5" }],
    [{ alert: "A", expr: "sum by (job, service) (rate(a[5m])) > 5" }],
  ],
  [
    "serviceLabelDropped",
    [{ alert: "A", expr: "1 - sum(a) > 5" }],
    [{ alert: "A", expr: "a > 5" }],
  ],
  [
    "serviceLabelDropped",
    [{ alert: "A", expr: "max without (service) (a) > 5" }],
    [{ alert: "A", expr: "max without (pod) (a) > 5" }],
  ],
  ["firesWithoutData", [{ alert: "A", expr: "absent(a)", for: "5m" }], [up("a")]],
  [
    "firesWithoutData",
    [{ alert: "A", expr: "(sum(a) or vector(0)) < 1" }],
    [{ alert: "A", expr: "(sum(a) or vector(0)) > 1" }],
  ],
  [
    "silentWithoutData",
    [{ alert: "A", expr: "a{b='c'} > 5" }],
    [{ alert: "A", expr: "a > 5" }, up("a")],
  ],
  ["firesOnNaN", [{ alert: "A", expr: "a / b != 5" }], [{ alert: "A", expr: "a / (b > 0) != 5" }]],
  ["silentOnNaN", [{ alert: "A", expr: "1 - a / b > 5" }], [{ alert: "A", expr: "a / 60 > 5" }]],
];

test.each(CASES)("finds %s in %j and not in %j", (code, faulty, sound) => {
  const found = linted(faulty).filter((check) => check.code === code);
  expect(found).toHaveLength(1);
  expect(linted(sound).map((check) => check.code)).not.toContain(code);
  expect(ruleText(found[0]!)).not.toMatch(/undefined|\bnull\b/);
});

test.each(CASES)("the mend of %s in %j mends it", (code, faulty) => {
  const [{ mend }] = linted(faulty).filter((check) => check.code === code) as [RuleCheck];
  if (mend === null) {
    // No change of the rule alone can say what was meant.
    expect(["neverFires", "serviceLabelDropped"]).toContain(code);
    return;
  }
  expect(ruleMendText(mend)).not.toBe("");
  const rules = mended(faulty, mend);
  expect(linted(rules).map((check) => check.code)).not.toContain(code);
  if (!HAS) return;
  const file = join(temporaryDirectory(), "rules.yml");
  writeFileSync(file, fileOf(rules));
  expect(spawnSync("promtool", ["check", "rules", file]).status).toBe(0);
});

test("without a label that names the service every alert counts, and none is dropped", () => {
  const text = fileOf([{ alert: "A", expr: "sum(a) > 5" }]);
  const { alerts } = importedRules(text);
  const checks = checkRule(alerts[0]!, alerts, { ...SETTINGS, serviceLabel: null });
  expect(checks.map(({ code }) => code)).toEqual(["silentWithoutData"]);
});

test("the linter of files names the place of each finding, and what it could not lint", () => {
  const file = join(temporaryDirectory(), "rules.yml");
  const rules = [
    { alert: "A", expr: "absent(a)" },
    { alert: "B", expr: "a >" },
  ];
  writeFileSync(file, `# Rules.\ngroups:\n- name: g\n  rules:\n${rules.map(line).join("")}`);
  const { findings, problems } = lintFiles([file], { args: new Map() });
  expect(findings).toMatchObject([{ file, line: 5, code: "firesWithoutData" }]);
  expect(problems.map(({ where }) => where.line)).toEqual([6]);
});

function line(rule: Rule): string {
  return `  - ${JSON.stringify(rule)}\n`;
}
