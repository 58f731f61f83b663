/** Reads the `expect` of a scenario: for its only policy, or for each policy by name. */

import { Problem } from "../problem.ts";
import { nearest } from "../sweep/paths.ts";
import { FIELDS } from "../score/fields.ts";
import { placeIn } from "../yaml.ts";
import {
  amountOf,
  amountsIn,
  fieldOf,
  inlineExpectation,
  scoredExpectation,
  type Bound,
  type InlineExpectation,
  type Path,
  type ScoredExpectation,
} from "./expectation.ts";
import type { ScenarioForm } from "./form.ts";
import type { NamedPolicy, Source } from "./policies.ts";
import { problemsOf } from "./problems.ts";

/** What is expected of a policy, and where that is written. */
export interface Expected<Expectation> {
  readonly policy: string;
  readonly path: Path;
  readonly expectation: Expectation;
}

const EXAMPLE = "Write what must come of it, such as `expect: { end: rolledBack }`.";

/** @param complain called with everything that is wrong */
export function readExpectations(
  source: Source,
  written: ScenarioForm,
  policies: readonly NamedPolicy[],
  scored: boolean,
  complain: (problem: Problem) => void,
): Expected<InlineExpectation & ScoredExpectation>[] {
  const { expect } = written;
  const at = (path: Path) => ({ file: source.file, ...placeIn(source, path) });
  if (expect === undefined || expect === null) {
    const what = "expect is missing: a scenario without an expectation proves nothing";
    complain(new Problem(what, { ...at(["expect"]), cure: EXAMPLE }));
    return [];
  }
  const schema = scored ? scoredExpectation : inlineExpectation;
  const each = written.policies === undefined ? null : entriesOf(expect);
  const known = policies.map(({ name }) => name);
  const found = (each ?? [["", expect] as const]).flatMap(([name, value]) => {
    const path = each === null ? ["expect"] : ["expect", name];
    const policy = each === null ? (known[0] ?? "") : name;
    if (each !== null && policies.length > 0 && !known.includes(name)) {
      complain(unknownPolicy(name, known, at(path)));
      return [];
    }
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      for (const problem of problemsOf(source, parsed.error, schema, path)) complain(problem);
      return [];
    }
    const expectation = parsed.data as InlineExpectation & ScoredExpectation;
    if (isEmpty(expectation)) {
      const cure = scored ? "Write `scores:`, `against:` or `deployments:`." : EXAMPLE;
      complain(new Problem(`${path.join(".")}: nothing is expected`, { ...at(path), cure }));
    }
    if (scored) {
      for (const problem of wrongScores(expectation, path, known, at)) complain(problem);
    }
    return [{ policy, path, expectation }];
  });
  if (each === null || policies.length === 0) return found;
  const meant = new Set(
    found.flatMap(({ policy, expectation }) => [policy, ...Object.keys(expectation.against ?? {})]),
  );
  for (const name of known) {
    if (meant.has(name) || each.some(([one]) => one === name)) continue;
    const cure = `Add \`${name}:\` under expect, or take the policy out.`;
    complain(new Problem(`nothing is expected of ${name}`, { ...at(["expect"]), cure }));
  }
  return found;
}

function entriesOf(expect: unknown): (readonly [string, unknown])[] {
  const isMapping = typeof expect === "object" && expect !== null && !Array.isArray(expect);
  return isMapping ? Object.entries(expect) : [];
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((one) => one === undefined || isEmpty(one));
}

function unknownPolicy(
  name: string,
  known: readonly string[],
  place: { file: string; line: number; column: number },
): Problem {
  const near = nearest(name, known);
  const cure = near === null ? `Policies here: ${known.join(", ")}.` : `Did you mean \`${near}\`?`;
  return new Problem(`there is no policy ${name} in this scenario`, { ...place, cure });
}

function wrongScores(
  { scores = {}, against = {}, deployments = {} }: ScoredExpectation,
  path: Path,
  known: readonly string[],
  at: (path: Path) => { file: string; line: number; column: number },
): Problem[] {
  const problems: Problem[] = [];
  const field = (name: string, where: Path): ReturnType<typeof fieldOf> => {
    const found = fieldOf(name);
    if (found !== undefined) return found;
    const near = nearest(
      name,
      FIELDS.map((one) => one.name),
    );
    const cure =
      near === null ? "`hindsight replay --json` shows all." : `Did you mean \`${near}\`?`;
    problems.push(new Problem(`there is no score ${name}`, { ...at(where), cure }));
    return undefined;
  };
  const amounts = (bound: Bound, unit: Parameters<typeof amountOf>[0], where: Path): void => {
    for (const one of amountsIn(bound)) {
      if (amountOf(unit, one.written) !== null) continue;
      const cure = `Write ${EXAMPLES[unit]}.`;
      const place = at([...where, ...one.path]);
      problems.push(new Problem(`${one.written} is not in ${UNITS[unit]}`, { ...place, cure }));
    }
  };
  for (const [name, bound] of Object.entries(scores)) {
    const where = [...path, "scores", name];
    const found = field(name, where);
    if (found !== undefined) amounts(bound, found.unit, where);
  }
  for (const [policy, verdicts] of Object.entries(against)) {
    const where = [...path, "against", policy];
    if (!known.includes(policy)) problems.push(unknownPolicy(policy, known, at(where)));
    for (const name of Object.keys(verdicts)) {
      const found = field(name, [...where, name]);
      if (found === undefined || found.better !== null) continue;
      const cure = "Compare a score that has a better direction.";
      problems.push(
        new Problem(`${name} is neither good nor bad`, { ...at([...where, name]), cure }),
      );
    }
  }
  for (const [id, one] of Object.entries(deployments)) {
    for (const key of ["rollbackCost", "spikeCost"] as const) {
      if (one[key] !== undefined) amounts(one[key], "cost", [...path, "deployments", id, key]);
    }
  }
  return problems;
}

const UNITS = {
  count: "a count",
  share: "a share",
  seconds: "a duration",
  perWeek: "a number a week",
  hours: "a number of hours",
  cost: "a cost",
} as const;
const EXAMPLES = {
  count: "12",
  share: "15% or 0.15",
  seconds: "12m30s, or seconds as a number",
  perWeek: "4.5",
  hours: "4.5",
  cost: "120",
} as const;
