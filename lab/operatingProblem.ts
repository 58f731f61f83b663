/** What an operating system or DuckDB complains about, as problems a person can mend. */

import { Problem } from "./problem.ts";

const DISK_FULL = /No space left on device|ENOSPC|disk quota|EDQUOT|max_temp_directory_size/i;

const OPERATING_ERRORS: readonly (readonly [RegExp, string, string])[] = [
  [
    DISK_FULL,
    "the disk is full",
    "Free some space or write elsewhere with --out; nothing half-written was kept.",
  ],
  [
    /Permission denied|EACCES|EPERM/i,
    "no permission",
    "Check who owns it, or use a directory you may read and write.",
  ],
  [/Read-only file system|EROFS/i, "this file system is read-only", "Write elsewhere with --out."],
  [
    /ENOTDIR|Not a directory/i,
    "a file stands where a directory is needed",
    "Check the path: a part of it is a file.",
  ],
  [
    /EISDIR|Is a directory/i,
    "this is a directory, and a file is needed",
    "Give the path of the file in it.",
  ],
  [/ELOOP/, "links lead in a circle here", "Mend the symbolic link, or give another path."],
  [/ENAMETOOLONG/, "the name is too long for this file system", "Choose a shorter one."],
  [/Too many open files|EMFILE/i, "too many open files", "Raise the limit with ulimit -n."],
];

/** True for an error that says the disk is full, wherever it was written to. */
export function isDiskFull(error: unknown): boolean {
  return DISK_FULL.test(error instanceof Error ? error.message : String(error));
}

/**
 * Why a file could not be read.
 *
 * @param what kind of file it was to be, for "no such …"
 * @param cure where such a file is found
 */
export function unreadable(error: unknown, file: string, what: string, cure: string): Problem {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return new Problem(`no such ${what}`, { file, cure });
  const known = operatingProblem(error, file);
  return new Problem(known instanceof Problem ? known.what : String(code), { file, cure });
}

/** An operating error as a `Problem` that names the path; anything else unchanged. */
export function operatingProblem(error: unknown, path: string): unknown {
  if (error instanceof Problem) return error;
  const text = error instanceof Error ? error.message : String(error);
  for (const [pattern, what, cure] of OPERATING_ERRORS) {
    if (pattern.test(text)) return new Problem(what, { file: path, cure });
  }
  return error;
}
