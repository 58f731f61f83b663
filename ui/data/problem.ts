/** What went wrong, as the server tells it (RFC 9457) or as the browser sees it. */

import type { ProblemDocument } from "../../lab/server/contract/words.ts";

export class ApiProblem extends Error {
  readonly detail: string;

  constructor(title: string, detail: string) {
    super(title);
    this.detail = detail;
  }

  static from(error: unknown): ApiProblem {
    if (error instanceof ApiProblem) return error;
    if (error instanceof TypeError) {
      const cure = "Is `hindsight serve` still running? Then try again.";
      return new ApiProblem("The server does not answer", cure);
    }
    const what = error instanceof Error ? error.message : String(error);
    return new ApiProblem(
      "The page could not make sense of an answer",
      `${what}. Reload the page; if it stays, page and server are of different versions.`,
    );
  }

  /** Of an answer that is no success. */
  static of(answer: { status: number; statusText: string }, text: string): ApiProblem {
    let told: Partial<ProblemDocument> = {};
    try {
      told = JSON.parse(text) as Partial<ProblemDocument>;
    } catch {
      // A proxy's page and the like: the status is all that can be said.
    }
    const parts = told.errors?.map(({ path, message }) => `${path}: ${message}`) ?? [];
    return new ApiProblem(
      told.title ?? `The server answered ${answer.status} ${answer.statusText}`,
      [told.detail ?? "", ...parts.filter((one) => one !== told.detail)]
        .filter((one) => one !== "")
        .join(" "),
    );
  }
}
