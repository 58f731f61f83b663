/** Runs scenarios and compares what happens with what they expect: unit tests of policies. */

import { placeIn } from "../yaml.ts";
import type { Difference, Path } from "./expectation.ts";
import { deploymentDifferences } from "./expectation.ts";
import { clockTimes, runInline } from "./inline.ts";
import type { NamedPolicy } from "./policies.ts";
import type { Scenario } from "./read.ts";
import type { Samples } from "./samples.ts";
import { evaluateScenario, MODELLED, scoredDifferences } from "./scored.ts";

/** An expectation that is not met, and where it is written. */
export interface Unmet extends Difference {
  readonly policy: string;
  /** From the top of the file. */
  readonly path: Path;
  readonly line: number;
  readonly column: number;
}

export interface Checked {
  readonly file: string;
  readonly name: string;
  readonly policies: readonly string[];
  readonly unmet: readonly Unmet[];
  readonly seconds: number;
}

export interface CheckOptions {
  /** Used instead of the scenario's own policies, with the same names. */
  readonly policies?: readonly NamedPolicy[];
  /** Checks only the expectations of this policy, and runs only what they need. */
  readonly only?: string;
}

export async function checkScenario(
  scenario: Scenario,
  samples: Samples,
  options: CheckOptions = {},
): Promise<Checked> {
  const began = performance.now();
  const unmet = await unmetOf(scenario, samples, options);
  return {
    file: scenario.source.file,
    name: scenario.written.name,
    policies: scenario.policies.map(({ name }) => name),
    unmet,
    seconds: Math.round(performance.now() - began) / 1000,
  };
}

async function unmetOf(
  scenario: Scenario,
  samples: Samples,
  { policies = scenario.policies, only }: CheckOptions,
): Promise<Unmet[]> {
  const isMeant = ({ policy }: { readonly policy: string }): boolean =>
    only === undefined || policy === only;
  const placed = (policy: string, under: Path, difference: Difference): Unmet => {
    const path = [...under, ...difference.path];
    return { ...difference, policy, path, ...placeIn(scenario.source, path) };
  };
  if (scenario.kind === "inline") {
    const { inline } = scenario;
    return scenario.expected.filter(isMeant).flatMap(({ policy: name, path, expectation }) => {
      const { policy } = policies.find((one) => one.name === name)!;
      const { happened } = runInline(inline, policy);
      const differences = deploymentDifferences(expectation, happened, clockTimes(inline));
      return differences.map((one) => placed(name, path, one));
    });
  }
  const expected = scenario.expected.filter(isMeant);
  const needed = new Set(
    expected.flatMap(({ policy, expectation }) => [
      policy,
      ...Object.keys(expectation.against ?? {}),
    ]),
  );
  const run = policies.filter(({ name }) => needed.has(name));
  const verdicts = expected.some(({ expectation }) => expectation.against !== undefined);
  const evaluation = await evaluateScenario(scenario, await samples.of(scenario), {
    policies: run,
    scoresOnly: true,
    // Verdicts are most of the work: the model of what history hid reads that part again.
    ...(verdicts ? MODELLED : { compared: false }),
  });
  const found: Unmet[] = [];
  for (const one of expected) {
    const differences = await scoredDifferences(scenario, one, evaluation);
    found.push(...differences.map((each) => placed(one.policy, one.path, each)));
  }
  return found;
}
