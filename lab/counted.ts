/** Counts as people read them, in texts alone: JSON keeps plain numbers. */

/** `36,483,181`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 deployment`, `2,596 deployments`: a number with its noun. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : plural}`;
}
