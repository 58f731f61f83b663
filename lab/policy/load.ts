/**
 * Policy files: YAML in, a checked `Policy` out. Every problem names file, line and
 * column, and all of them are reported at once.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { isMap, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import { parsePolicy, type Policy, type PolicyIssue } from "../../engine/index.ts";
import { Problem, Problems } from "../problem.ts";

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Reads and checks one policy file. */
export function loadPolicy(file: string): Policy {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const known: Readonly<Record<string, string>> = {
      ENOENT: "no such policy file",
      EACCES: "no permission",
      EISDIR: "this is a directory",
    };
    const why = known[code ?? ""] ?? String(code);
    throw new Problem(why, { file, cure: "Give --policy the path of a policy YAML file." });
  }
  return policyFromText(text, file);
}

/** @param file used in messages only */
export function policyFromText(text: string, file: string): Policy {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new Problems(
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return new Problem(error.message, { file, line, column: col });
      }),
    );
  }
  const parsed = parsePolicy(document.toJS(), sha256);
  if (parsed.policy !== null) return parsed.policy;
  throw new Problems(parsed.issues.map((issue) => locate(document, lines, file, issue)));
}

function locate(document: Document, lines: LineCounter, file: string, issue: PolicyIssue): Problem {
  const offset = offsetOf(document, issue.path);
  const { line, col } = lines.linePos(offset);
  const path = issue.path.join(".");
  return new Problem(`${path === "" ? "" : `${path}: `}${issue.message}`, {
    file,
    line: Math.max(1, line),
    column: Math.max(1, col),
  });
}

/** Where a path is written: its key, its value, or the nearest parent that exists. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && key.value === last);
      if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0] ?? 0;
    }
    const node = document.getIn(path.slice(0, length), true);
    if (typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range)) {
      return Number(node.range[0]);
    }
  }
  return 0;
}
