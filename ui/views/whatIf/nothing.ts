/** A what-if in which nothing differs says so, in the place of a row of signs for each number. */

interface Row {
  readonly difference: {
    readonly difference: number | null;
    readonly low: number | null;
    readonly high: number | null;
  };
}

/**
 * Null where something differs, or may: a quick answer is of one draw.
 *
 * @param changes how many the policy has
 * @param flipped deployments that end differently
 */
export function nothingDiffers(
  changes: number,
  rows: readonly Row[],
  flipped: number,
  settled: boolean,
): string | null {
  if (changes === 0) return "Nothing is changed, so nothing differs.";
  const same = rows.every(({ difference: { difference, low, high } }) => {
    return difference === null || [difference, low, high].every((value) => value === 0);
  });
  return settled && flipped === 0 && same
    ? "Nothing differs: every deployment of this history ends as before."
    : null;
}
