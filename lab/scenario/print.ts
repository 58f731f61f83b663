/**
 * Prints the results of scenarios for people and CI: differences side by side, with file and line.
 */

import { formatNumber } from "../../engine/index.ts";
import { junitXml } from "../junit.ts";
import type { Checked, Unmet } from "./check.ts";
import { counted } from "../counted.ts";

const COLUMN = 38;

export function checkedText(checked: Checked): string {
  const { file, name, unmet } = checked;
  const head = `${unmet.length === 0 ? "ok  " : "FAIL"}  ${file}  ${name}`;
  return [head, ...unmet.flatMap((one) => unmetLines(checked, one))].join("\n");
}

export function summaryText(all: readonly Checked[], seconds: number): string {
  const failed = all.filter(({ unmet }) => unmet.length > 0).length;
  const passed = all.length - failed;
  const time = `(${formatNumber(Math.round(seconds * 10) / 10)} s)`;
  if (failed === 0) return `${counted(all.length, "scenario")}: every expectation is met ${time}`;
  return `${counted(all.length, "scenario")}: ${passed} as expected, ${failed} not ${time}`;
}

function unmetLines({ file, policies }: Checked, one: Unmet): string[] {
  const whose = policies.length > 1 ? ` under ${one.policy}` : "";
  const what = one.path.slice(policies.length > 1 && one.path[1] === one.policy ? 2 : 1).join(".");
  return [
    "",
    `  ${file}:${one.line}:${one.column}  ${what}${whose}`,
    ...sideBySide(one.expected, one.actual).map((line) => `    ${line}`),
    "",
  ];
}

/** Expected on the left, actual on the right; `-` and `+` mark what is on one side only. */
export function sideBySide(expected: readonly string[], actual: readonly string[]): string[] {
  const width = Math.max(COLUMN, ...expected.map((line) => line.length + 2));
  const row = (mark: string, left: string, right: string): string =>
    `${mark} ${left.padEnd(width)} ${right}`.trimEnd();
  const rows = aligned(expected, actual).map(([left, right]) => {
    if (left === null) return row("+", "", right!);
    if (right === null) return row("-", left, "");
    return row(left === right ? " " : "≠", left, right);
  });
  return [row(" ", "expected", "actual"), ...rows];
}

/** Aligns two lists of lines by their longest common subsequence. */
function aligned(
  left: readonly string[],
  right: readonly string[],
): (readonly [string | null, string | null])[] {
  const common = Array.from({ length: left.length + 1 }, () =>
    new Array<number>(right.length + 1).fill(0),
  );
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      common[i]![j] =
        left[i] === right[j]
          ? common[i + 1]![j + 1]! + 1
          : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const pairs: (readonly [string | null, string | null])[] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      pairs.push([left[i++]!, right[j++]!]);
    } else if (left.length === 1 && right.length === 1) {
      pairs.push([left[i++]!, right[j++]!]);
    } else if (
      j === right.length ||
      (i < left.length && common[i + 1]![j]! >= common[i]![j + 1]!)
    ) {
      pairs.push([left[i++]!, null]);
    } else pairs.push([null, right[j++]!]);
  }
  return pairs;
}

export function checkedJunit(all: readonly Checked[]): string {
  return junitXml(
    "hindsight scenario test",
    all.map((checked) => {
      const { file, name, seconds, unmet } = checked;
      const [first] = unmet;
      return {
        className: file,
        name,
        seconds,
        problem:
          first === undefined
            ? null
            : {
                element: "failure",
                type: "expectation not met",
                message: `${file}:${first.line}: ${first.path.join(".")} is not as expected`,
                details: unmet.flatMap((one) => unmetLines(checked, one)).join("\n"),
              },
      };
    }),
  );
}

/** The JSON of `scenario test`. */
export function checkedDocument(all: readonly Checked[], updated: readonly string[]) {
  return {
    scenarios: all.map(({ file, name, policies, unmet, seconds }) => ({
      file,
      name,
      policies,
      passed: unmet.length === 0,
      unmet: unmet.map(({ policy, path, line, column, expected, actual }) => ({
        policy,
        path: path.join("."),
        line,
        column,
        expected,
        actual,
      })),
      seconds,
    })),
    passed: all.filter(({ unmet }) => unmet.length === 0).length,
    failed: all.filter(({ unmet }) => unmet.length > 0).length,
    updated,
  };
}
