/** Loads commands when they are asked for: their imports take longer than many of them run. */

import { own, type JsonObject } from "../../engine/index.ts";
import type { Command } from "commander";

/** @param below the word after the command: which of the commands below it is needed */
export type CommandMakers = JsonObject<(below?: string) => Promise<Command>>;

/** All commands, or the one asked for alone: loading all of them takes most of a second. */
export function loadCommands(
  makers: CommandMakers,
  asked?: string,
  below?: string,
): Promise<readonly Command[]> {
  const made = asked === undefined ? undefined : own(makers, asked);
  return Promise.all(
    made === undefined ? Object.values(makers).map((make) => make()) : [made(below)],
  );
}
