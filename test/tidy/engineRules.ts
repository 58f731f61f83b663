/**
 * The engine is pure. The compiler already refuses consoles, timers, files and
 * the network there (see leaks.test.ts); these rules hold what still compiles.
 */

import { posix } from "node:path";
import ts from "typescript";
import type { Rule } from "./rule.ts";
import { findNodes, findText, importedBy, isScript, syntaxOf, type Found } from "./source.ts";

const inEngine = (path: string): boolean => path.startsWith("engine/") && path.endsWith(".ts");
const ALLOWED_PACKAGES: readonly string[] = ["simple-statistics", "zod"];

/** Identifiers by name, wherever they stand: as values, as types, behind globalThis. */
function namesIn(path: string, text: string, names: readonly string[]): Found[] {
  return findNodes(path, text, (node) =>
    ts.isIdentifier(node) && names.includes(node.text) ? node.text : null,
  );
}

function leavesEngine(path: string, specifier: string): boolean {
  if (!specifier.startsWith(".")) return !ALLOWED_PACKAGES.includes(specifier);
  return !posix.join(posix.dirname(path), specifier).startsWith("engine/");
}

function pastTheDoor(path: string, specifier: string): boolean {
  const target = posix.join(posix.dirname(path), specifier);
  return specifier.startsWith(".") && /^engine\/(?!index\.(ts|js)$)/.test(target);
}

export const ENGINE_RULES: readonly Rule[] = [
  {
    name: "engine-date",
    instead: "take atMs or knownAtMs from the event; for calendars give Intl.DateTimeFormat the ms",
    applies: inEngine,
    check: (path, text) => namesIn(path, text, ["Date"]),
  },
  {
    name: "engine-async",
    instead: "return a command and let the host report back with an event",
    applies: inEngine,
    check: (path, text) =>
      findNodes(path, text, (node) => {
        if (node.kind === ts.SyntaxKind.AsyncKeyword) return "async";
        if (node.kind === ts.SyntaxKind.AwaitKeyword || ts.isAwaitExpression(node)) return "await";
        return ts.isIdentifier(node) && /^Promise(Like)?$/.test(node.text) ? node.text : null;
      }),
  },
  {
    name: "engine-import",
    instead: `import engine/ itself and ${ALLOWED_PACKAGES.join(", ")}; the rest is an argument`,
    applies: inEngine,
    check: (path, text) => [
      ...findNodes(path, text, (node) => {
        const specifier = importedBy(node);
        return specifier !== null && leavesEngine(path, specifier) ? specifier : null;
      }),
      // A reference or an ambient declaration would let in what the tsconfig keeps out.
      ...findText(text, syntaxOf(path, text).comments, /\/\/\/\s*<reference[^\n]*/g),
      ...findNodes(path, text, (node) =>
        node.kind === ts.SyntaxKind.DeclareKeyword ? "declare" : null,
      ),
    ],
  },
  {
    name: "engine-door",
    instead: "import from engine/index.ts, and export there what a host needs",
    applies: (path) => isScript(path) && /^(lab|datasets|ui)\//.test(path),
    check: (path, text) =>
      findNodes(path, text, (node) => {
        const specifier = importedBy(node);
        return specifier !== null && pastTheDoor(path, specifier) ? specifier : null;
      }),
  },
  {
    name: "engine-ambient",
    instead: "take it as an argument; compare strings with <, and name time zones and locales",
    applies: inEngine,
    check: (path, text) => [
      ...namesIn(path, text, ["globalThis", "eval", "Function", "WeakRef", "FinalizationRegistry"]),
      ...namesIn(path, text, ["toLocaleString", "toLocaleLowerCase", "toLocaleUpperCase"]),
      ...findNodes(path, text, (node) =>
        (ts.isNewExpression(node) || ts.isCallExpression(node)) &&
        /^Intl\.\w+$/.test(node.expression.getText()) &&
        (node.arguments?.length ?? 0) < 2
          ? `${node.expression.getText()} of the host`
          : null,
      ),
    ],
  },
  {
    name: "engine-class",
    instead: "use a readonly type and functions; the one class is the Error in engine/assert.ts",
    applies: inEngine,
    check: (path, text) =>
      findNodes(path, text, (node) => {
        if (!ts.isClassLike(node)) return null;
        const parent = node.heritageClauses?.[0]?.types[0]?.expression.getText();
        const isError = path === "engine/assert.ts" && parent === "Error";
        return isError ? null : `class ${node.name?.text ?? ""}`.trim();
      }),
  },
  {
    name: "engine-state",
    instead: "keep state in the value that goes in and comes out; a module keeps constants only",
    applies: inEngine,
    check: (path, text) =>
      findNodes(path, text, (node) =>
        ts.isVariableStatement(node) &&
        ts.isSourceFile(node.parent) &&
        (node.declarationList.flags & ts.NodeFlags.Const) === 0
          ? node.declarationList.getText()
          : null,
      ),
  },
];
