/**
 * The engine's only door. Pure: no clock, no randomness, no I/O. The same policy,
 * state and event give the same step, in production and in replay.
 */

export const ENGINE_VERSION = "0.1.0";

export * from "./event.ts";
export * from "./command.ts";
export * from "./record.ts";
export { assert, InvariantError, unreachable } from "./assert.ts";
