/** A policy keeps its colour in every chart: its place among the chosen ones decides. */

import { lab } from "../shell/lab.svelte.ts";

const COLOURS = 6;

export function policyColour(id: string, among: readonly string[] = lab.chosen): string {
  const at = Math.max(0, among.indexOf(id));
  return `var(--policy-${(at % COLOURS) + 1})`;
}
