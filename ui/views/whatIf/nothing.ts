/** A what-if in which nothing differs says so, in the place of a row of signs for each number. */

interface Row {
  readonly difference: {
    readonly difference: number | null;
    readonly low: number | null;
    readonly high: number | null;
  };
}

interface Told {
  /** How many the policy has. */
  readonly changes: number;
  /** Deployments that end differently. */
  readonly flipped: number;
  readonly settled: boolean;
  /** Is all of the history scored? */
  readonly whole: boolean;
}

/** Null where something differs, or may: a quick answer is of one draw. */
export function nothingDiffers(
  rows: readonly Row[],
  { changes, flipped, settled, whole }: Told,
): string | null {
  if (changes === 0) return "Nothing is changed, so nothing differs.";
  const same = rows.every(({ difference: { difference, low, high } }) => {
    return difference === null || [difference, low, high].every((value) => value === 0);
  });
  if (!settled || flipped > 0 || !same) return null;
  const which = whole ? "of this history" : "that is scored";
  return `Nothing differs: every deployment ${which} ends as before.`;
}
