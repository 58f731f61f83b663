/** Rules for where files are, how they are called and what they weigh. */

import { z } from "zod";
import type { Rule } from "./rule.ts";
import { lineAt, type Found } from "./source.ts";

const LARGEST_BYTES = 1_000_000;

const ROOMS: readonly string[] = ["engine", "lab", "scenarios", "datasets", "ui", "test"];
const TOP_FILES: readonly string[] = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "README.md",
  "LICENSE",
  ".gitignore",
  ".gitattributes",
  ".editorconfig",
  ".npmrc",
  ".nvmrc",
  ".prettierrc.json",
  ".prettierignore",
  "knip.json",
  "Dockerfile",
  ".dockerignore",
  "compose.yaml",
  "action.yml",
];
const TOP_FOLDERS: readonly string[] = [...ROOMS, ".ci", ".github"];

/** Words that say nothing about what is inside. */
const DRAWER = /^(?:utils?|utilities|helpers?|common|misc|shared|stuff)$/i;

function drawersIn(path: string): Found[] {
  const segments = path.split("/").map((segment, index, all) => {
    const stem =
      index === all.length - 1 ? (segment.split(".").find((part) => part !== "") ?? "") : segment;
    return { segment, words: stem.split(/[-_.]|(?<=[a-z0-9])(?=[A-Z])/) };
  });
  return segments
    .filter(({ words }) => DRAWER.test(words.at(-1) ?? "") || DRAWER.test(words[0] ?? ""))
    .map(({ segment }) => ({ line: 1, what: segment }));
}

function caseProblem(path: string): string | null {
  const file = path.split("/").at(-1) ?? "";
  if (/\.(ts|js)$/.test(file)) return /^[a-z][A-Za-z0-9]*(\.[a-z]+)+$/.test(file) ? null : file;
  if (file.endsWith(".svelte")) return /^[A-Z][A-Za-z0-9]*\.svelte$/.test(file) ? null : file;
  if (/\.ya?ml$/.test(file) && path.startsWith("scenarios/")) {
    return /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)+$/.test(file) ? null : file;
  }
  return null;
}

const Versions = z.record(z.string(), z.string()).optional();
const PackageFile = z.looseObject({
  dependencies: Versions,
  devDependencies: Versions,
  optionalDependencies: Versions,
});

/** `1.2.3`, or `1.2.3-r.1`: one version and no range. */
const EXACT = /^\d+\.\d+\.\d+(-[\w.]+)?$/;

function looseVersions(text: string): Found[] {
  const parsed = PackageFile.safeParse(JSON.parse(text));
  if (!parsed.success) return [{ line: 1, what: "unreadable package.json" }];
  const { dependencies, devDependencies, optionalDependencies } = parsed.data;
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
    .filter(([, version]) => !EXACT.test(version))
    .map(([name, version]) => ({
      line: lineAt(text, text.indexOf(`"${name}"`) + 1),
      what: `${name}@${version}`,
    }));
}

export const TREE_RULES: readonly Rule[] = [
  {
    name: "top-level",
    instead: `put it in the room it belongs to: ${ROOMS.join(", ")}`,
    applies: () => true,
    check: (path) => {
      const [first = "", ...rest] = path.split("/");
      const allowed = rest.length > 0 ? TOP_FOLDERS : TOP_FILES;
      return allowed.includes(first) ? [] : [{ line: 1, what: first }];
    },
  },
  {
    name: "drawer",
    instead: "name it after the idea inside; a drawer for everything hides what is there",
    applies: () => true,
    check: drawersIn,
  },
  {
    name: "file-case",
    instead: "camelCase.ts, PascalCase.svelte, kebab-case.yaml for scenarios",
    applies: () => true,
    check: (path) => {
      const what = caseProblem(path);
      return what === null ? [] : [{ line: 1, what }];
    },
  },
  {
    name: "large-file",
    instead: "generate it, or keep a small sample: git keeps every version for ever",
    applies: () => true,
    check: (_path, text) => {
      // Binary files are read as one character a byte.
      const bytes = text.includes("\0") ? text.length : Buffer.byteLength(text);
      return bytes > LARGEST_BYTES ? [{ line: 1, what: `${bytes} bytes` }] : [];
    },
  },
  {
    name: "exact-version",
    instead: "pin one exact version: a range is a different program tomorrow",
    applies: (path) => path === "package.json",
    check: (_path, text) => looseVersions(text),
  },
];
