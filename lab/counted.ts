/** `1 deployment`, `2 deployments`: a number with its noun, as people read it. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
