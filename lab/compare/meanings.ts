/** What the words mean that say how far a number is known: one line, of those that were printed. */

const MEANINGS: readonly (readonly [string, RegExp, string])[] = [
  ["observed", /\bobserved\b/, "seen in the history itself"],
  [
    "modelled",
    /(?<!--people )\bmodelled\b/,
    "rests on the model of what history's own rollbacks hid",
  ],
  ["bounded", /\bbounded\b/, "history hid it: the best and the worst it may have been count"],
  // Also the name of a label, and a word of plain sentences.
  ["unknown", /^(│|\s*)\s*unknown\b|\(unknown\)/m, "neither seen nor modelled"],
];

/** Null where none of the words is in the text. */
export function meaningLine(text: string): string | null {
  const told = MEANINGS.filter(([, pattern]) => pattern.test(text));
  if (told.length === 0) return null;
  return `Here ${told.map(([word, , means]) => `"${word}" means: ${means}`).join("; ")}.`;
}
