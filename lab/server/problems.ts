/** Errors as problem documents (RFC 9457). What a person can mend says how; ours says nothing. */

import { LimitProblem, Problem } from "../problem.ts";
import type { ProblemDocument } from "./contract/words.ts";

export const PROBLEM_JSON = "application/problem+json";

const KINDS = {
  "bad-request": [400, "The request does not fit"],
  "bad-signature": [401, "Signature does not match"],
  "stale-signature": [401, "Signature is outside its time window"],
  "bad-token": [401, "Token does not match"],
  // The last of several with one status stands for that status.
  unauthorized: [401, "Authentication required"],
  forbidden: [403, "Not from here"],
  "not-found": [404, "There is no such thing"],
  "method-not-allowed": [405, "Method not allowed"],
  conflict: [409, "Not in this state"],
  "too-large": [413, "The request is too large"],
  "unsupported-media-type": [415, "Another content type is wanted"],
  unprocessable: [422, "It cannot be done"],
  "too-many-requests": [429, "Too much at once"],
  "own-fault": [500, "This is our fault, not yours"],
  unavailable: [503, "Not now"],
} as const;

export type ProblemKind = keyof typeof KINDS;

/** Thrown where a request cannot be answered. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly kind: ProblemKind,
    detail: string,
    readonly errors?: ProblemDocument["errors"],
  ) {
    super(detail);
  }
}

export function problemDocument({ kind, message, errors }: Refusal): ProblemDocument {
  const [status, title] = KINDS[kind];
  const document = { type: `/problems/${kind}`, title, status, detail: message };
  return errors === undefined ? document : { ...document, errors };
}

interface RequestFault {
  readonly statusCode?: number;
  readonly validation?: readonly {
    readonly instancePath?: string;
    readonly message?: string;
  }[];
}

const BY_STATUS: Readonly<Record<number, ProblemKind>> = Object.fromEntries(
  Object.entries(KINDS).map(([kind, [status]]) => [status, kind as ProblemKind]),
);

/** Any error as a refusal; null: it is our own fault, and nothing of it is told. */
export function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  if (error instanceof LimitProblem) return new Refusal("too-large", error.message);
  if (error instanceof Problem) return new Refusal("unprocessable", error.message);
  if (!(error instanceof Error)) return null;
  const { statusCode, validation } = error as RequestFault;
  if (validation !== undefined) {
    const errors = validation.map(({ instancePath, message }) => ({
      path: (instancePath ?? "").replace(/^\//, "").replaceAll("/", "."),
      message: message ?? "does not fit",
    }));
    const [first] = errors;
    const detail =
      first === undefined ? "It does not fit its schema." : `${first.path}: ${first.message}`;
    return new Refusal("bad-request", detail, errors);
  }
  if (statusCode === undefined || statusCode < 400 || statusCode >= 500) return null;
  return new Refusal(BY_STATUS[statusCode] ?? "bad-request", error.message);
}

export const OWN_FAULT = new Refusal(
  "own-fault",
  "Something is wrong in Hindsight; the server's log says what. Please report it.",
);
