/** Results are listed by names of policies, so two versions of one policy need two. */

import { expect, it } from "vitest";
import { checkNames, distinctlyNamed, namedByFile } from "../../lab/compare/names.ts";
import { FULL, OBSERVE } from "../history/tinyHistory.ts";

const later = { ...FULL, digest: "0", watchMs: FULL.watchMs + 1 };
const namesOf = (files: readonly string[]): string[] =>
  namedByFile([FULL, later, OBSERVE], files).map(({ policy }) => policy);

it("two versions of one policy are told apart by their files", () => {
  expect(namesOf(["old/p.yaml", "p.yaml", "o.yaml"])).toEqual([
    "full (old/p.yaml)",
    "full (p.yaml)",
    "observe",
  ]);
  expect(() => checkNames(namedByFile([FULL, later], ["a.yaml", "b.yaml"]))).not.toThrow();
  // One file twice is one policy: there is nothing to compare.
  expect(() => checkNames(namedByFile([FULL, FULL], ["a.yaml", "a.yaml"]))).toThrow(
    /two policies are called full/,
  );
});

it("a candidate of the same name is called one", () => {
  const names = (pair: readonly { readonly policy: string }[]): string[] =>
    pair.map(({ policy }) => policy);
  expect(names(distinctlyNamed(FULL, later))).toEqual(["full", "full (candidate)"]);
  expect(names(distinctlyNamed(FULL, OBSERVE))).toEqual(["full", "observe"]);
});
