/**
 * The repository's rules, as code. A rule that is only written down is broken
 * within a month; these run with the tests, over whatever git would commit.
 *
 * Each rule is a pure function of a path and a text and says what to do instead.
 * Each has an example in tidy.test.ts that it must refuse.
 */

import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { CODE_RULES } from "./codeRules.ts";
import { ENGINE_RULES } from "./engineRules.ts";
import { runRule, type Finding, type Rule } from "./rule.ts";
import { STAGE_RULES } from "./stageRules.ts";
import { TREE_RULES } from "./treeRules.ts";

export const RULES: readonly Rule[] = [
  ...ENGINE_RULES,
  ...STAGE_RULES,
  ...CODE_RULES,
  ...TREE_RULES,
];

export interface RepositoryFile {
  readonly path: string;
  readonly text: string;
}

/** Tracked files and new ones that are not ignored, in git's order. */
export function repositoryFiles(root: string): RepositoryFile[] {
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const paths = [...new Set(listed.split("\0"))].filter((path) => path !== "");
  return paths.flatMap((path) => {
    // A tracked file that somebody just deleted, or a link to a folder, has no text.
    if (statSync(join(root, path), { throwIfNoEntry: false })?.isFile() !== true) return [];
    const bytes = readFileSync(join(root, path));
    return [{ path, text: bytes.toString(bytes.includes(0) ? "latin1" : "utf8") }];
  });
}

/** All findings, by file and then by rule. */
export function tidy(files: readonly RepositoryFile[], rules: readonly Rule[] = RULES): Finding[] {
  return files.flatMap(({ path, text }) => rules.flatMap((rule) => runRule(rule, path, text)));
}
