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

/** Several problems found in one pass, reported together. */
export class Problems extends Problem {
  constructor(readonly all: readonly Problem[]) {
    super(all.map((problem) => problem.message).join("\n"));
  }
}
