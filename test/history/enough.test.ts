/** What a history can carry is said by the one rule of every comparison, and no number is a lie. */

import { expect, it } from "vitest";
import { isEnough } from "../../lab/compare/enough.ts";
import { enoughIn, enoughText, isEnoughFor, restsText } from "../../lab/history/enough.ts";
import type { Label } from "../../lab/history/tables.ts";

/** So many deployments of each service with a label. */
function tablesOf(sizes: Partial<Record<Label, readonly number[]>>) {
  const rows = Object.entries(sizes).flatMap(([label, perService]) =>
    perService.flatMap((count, service) =>
      Array.from({ length: count }, (_, at) => ({
        deploymentId: `${label}-${service}-${at}`,
        service: `service-${service}`,
        label: label as Label,
      })),
    ),
  );
  return {
    deployments: rows,
    labels: rows.map(({ deploymentId, label }) => ({ deploymentId, label })),
  };
}

it.each([
  [[1, 1, 1, 1], false],
  [[1, 1, 1, 1, 1], true],
  [[40, 1, 1, 1, 1, 1], false],
  [[9, 9, 9, 9, 10], false],
])("%j regressions carry a verdict: %s, as a comparison judges", (sizes, is) => {
  const { regressions } = enoughIn(tablesOf({ regression: sizes }));
  expect(isEnoughFor(regressions)).toBe(is);
  const { deployments, effectiveServices } = regressions;
  expect(isEnough({ n: deployments, effectiveClusters: effectiveServices })).toBe(is);
});

it("never says that 5.0 are fewer than five", () => {
  const { regressions } = enoughIn(tablesOf({ regression: [9, 9, 9, 9, 10] }));
  expect(restsText(regressions, "regression")).toBe(
    "46 regressions of 5 services (4.99 effective ones)",
  );
});

it.each([
  [{}, /^no deployment is known to be good or a regression/],
  [
    { benign: [3, 1], regression: [1] },
    /^too few for a verdict on which policy is better.*4 good deployments of 2 services \(1\.6/,
  ],
  [
    { benign: [2, 2, 2, 2, 2], regression: [1] },
    /^enough for verdicts on wrong rollbacks, but not on missed.*it has 1 regression of 1 service,/,
  ],
  [{ benign: [1], regression: [1, 1, 1, 1, 1] }, /^too few for a verdict on wrong rollbacks/],
  [{ expected_change: [1, 1, 1, 1, 1], regression: [1, 1, 1, 1, 1] }, /^enough for.*and on rec/],
])("says of %j what a comparison can come to", (sizes, text) => {
  expect(enoughText(enoughIn(tablesOf(sizes)))).toMatch(text);
});
