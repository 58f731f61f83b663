/**
 * Broken invariants. A host that catches one holds what it was doing and pages a person; it never
 * rolls back because of it.
 */

/** Something happened that the engine's rules say cannot happen. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** @throws InvariantError with this message, where the condition is false */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/**
 * Ends an exhaustive switch, so that a new case is a compile error until it is handled.
 *
 * @throws InvariantError where it is reached all the same
 */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`);
}
