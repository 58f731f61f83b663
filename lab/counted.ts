/** Numbers as people read them, in texts alone, on every screen: JSON keeps plain numbers. */

/** `36,483,181`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1,036.3`: with so many digits behind the point. */
export function decimalText(value: number, digits: number): string {
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** `1 deployment`, `2,596 deployments`: a number with its noun. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : plural}`;
}
