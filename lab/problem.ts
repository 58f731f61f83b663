/** Errors that people can mend, told with the file, the place and the cure. */

import { PROBLEMS_SHOWN } from "./limits.ts";

/**
 * Something the person at the keyboard can mend: it names the file, the place in
 * it and the cure, and the command ends with exit code 2. Everything that is not
 * a `Problem` is our own fault and ends with 70.
 */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly what: string,
    readonly where: { file?: string; line?: number; column?: number; cure?: string } = {},
  ) {
    const place = [where.file, where.line, where.column]
      .filter((part) => part !== undefined)
      .join(":");
    const cure = where.cure === undefined ? "" : `\n  ${where.cure}`;
    super(`${place === "" ? "" : `${place}: `}${what}${cure}`);
  }
}

/** It asks for more than a limit of limits.ts allows. */
export class LimitProblem extends Problem {}

/** Several problems found in one pass, reported together; of many, the first ones. */
export class Problems extends Problem {
  /** @param left how many more there are than were made */
  constructor(
    readonly all: readonly Problem[],
    left = 0,
  ) {
    const shown = all.slice(0, PROBLEMS_SHOWN).map((problem) => problem.message);
    const more = all.length - shown.length + left;
    super([...shown, ...(more > 0 ? [`and ${more} more like these`] : [])].join("\n"));
  }
}
