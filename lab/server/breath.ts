/** Lets what waits be heard: a message, or another request. */
export function breath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
