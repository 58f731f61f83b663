/** Rules for what is written inside files, in every room. */

import ts from "typescript";
import type { Rule } from "./rule.ts";
import { findNodes, findText, isScript, lineAt, syntaxOf, whole, type Found } from "./source.ts";

const COLUMNS = 100;
const LINES = 400;

/** SQL that adds floats up in an order the database chooses. */
const AGGREGATES = new RegExp(
  `\\b(?:${[
    "sum|fsum|kahan_sum|avg|favg|mean|product|median|quantile_cont",
    "stddev\\w*|var_\\w+|variance|covar_\\w+|corr|regr_\\w+|skewness|kurtosis\\w*",
    "list_(?:sum|avg|product|median|stddev\\w*)",
  ].join("|")})\\s*\\(`,
  "gi",
);

const EXTENSIONS = [
  "httpfs|parquet|json|icu|spatial|aws|azure|postgres\\w*|sqlite\\w*|mysql\\w*",
  "excel|fts|inet|delta|iceberg|ducklake|vss",
].join("|");
/** SQL in capitals, lower-case SQL that names an extension, and tables read over the network. */
const SQL_NETWORK = [
  /\b(?:INSTALL|LOAD)\s+['"\w$]+/g,
  new RegExp(`\\b(?:install|load)\\s+['"]?(?:${EXTENSIONS})\\b`, "gi"),
  /\bhttpfs\b/gi,
  /\bread_\w+\(\s*['"](?:https?|s3|gcs|azure|hf):/gi,
];

/** A developer machine's own folders; `https://host/work/` and `../tmp/` are not meant. */
const MACHINE_PATH = /(?<![\w.~}-])(?:\/(?:work|root|tmp|home\/\w+|Users\/\w+)\/|[A-Z]:\\\w)/g;

const TEST_FUNCTIONS: readonly string[] = ["it", "test", "describe", "suite", "bench"];
const LEFT_OUT: readonly string[] = ["only", "skip", "todo", "fails"];

const isProduct = (path: string): boolean => /^(engine|lab|datasets|ui|scenarios)\//.test(path);
const inRooms = (path: string): boolean => /^(engine|lab|datasets|test|ui)\//.test(path);
const isCode = (path: string): boolean => isScript(path) || path.endsWith(".svelte");
const isBinary = (text: string): boolean => text.includes("\0");

/** The lines that lie wholly inside a multi-line template: data, not code. */
function templateLines(path: string, text: string): Set<number> {
  const inside = new Set<number>();
  if (!isScript(path)) return inside;
  for (const { text: template, at } of syntaxOf(path, text).strings) {
    const first = lineAt(text, at);
    for (let line = 1; line < template.split("\n").length; line += 1) inside.add(first + line);
  }
  return inside;
}

/** `test.only`, `describe.concurrent.skip`, also behind a call: `test.each(rows).only`. */
function leftOut(node: ts.Node): string | null {
  if (!ts.isPropertyAccessExpression(node) || !LEFT_OUT.includes(node.name.text)) return null;
  let root: ts.Expression = node.expression;
  while (ts.isPropertyAccessExpression(root) || ts.isCallExpression(root)) root = root.expression;
  return ts.isIdentifier(root) && TEST_FUNCTIONS.includes(root.text) ? `.${node.name.text}(` : null;
}

/** `Math.random`, and `Math` handed around whole, which would hide it. */
function chance(node: ts.Node): string | null {
  if (!ts.isIdentifier(node)) return null;
  if (/^(randomUUID|randomBytes|randomInt|getRandomValues)$/.test(node.text)) return node.text;
  if (node.text !== "Math") return null;
  const { parent } = node;
  if (!ts.isPropertyAccessExpression(parent)) return "Math as a value";
  return parent.expression === node && parent.name.text === "random" ? "Math.random" : null;
}

export const CODE_RULES: readonly Rule[] = [
  {
    name: "random",
    instead: "draw from the seeded generator in lab/random.ts (tests: fast-check with a seed)",
    applies: (path) => isScript(path) && inRooms(path),
    check: (path, text) => findNodes(path, text, chance),
    excusable: true,
  },
  {
    name: "short-write",
    instead: "writeFileSync(handle, bytes): writeSync may write only a part on a full disk",
    applies: (path) => isScript(path) && /^(engine|lab|datasets)\//.test(path),
    check: (path, text) =>
      findNodes(path, text, (node) =>
        ts.isIdentifier(node) && /^(writeSync|writev|writevSync)$/.test(node.text)
          ? node.text
          : null,
      ),
  },
  {
    name: "locale-order",
    instead: "compare with < and >: an order by the host's locale changes digests",
    applies: (path) => isScript(path) && /^(engine|lab|datasets)\//.test(path),
    check: (path, text) =>
      findNodes(path, text, (node) =>
        ts.isIdentifier(node) && node.text === "localeCompare" ? node.text : null,
      ),
  },
  {
    name: "sql-network",
    instead: "use what DuckDB has built in: nothing is fetched or loaded at run time",
    applies: (path) => isScript(path) && /^(lab|datasets)\//.test(path),
    check: (path, text): Found[] => {
      const { strings } = syntaxOf(path, text);
      return SQL_NETWORK.flatMap((pattern) => findText(text, strings, pattern));
    },
  },
  {
    name: "sql-aggregate",
    instead:
      "select in SQL and add up in TypeScript: threads change the order of a float sum " +
      "(where no decision rests on it, `-- tidy-ok: reason`)",
    applies: (path) => isScript(path) && /^(lab|datasets)\//.test(path),
    check: (path, text) => findText(text, syntaxOf(path, text).strings, AGGREGATES),
    excusable: true,
  },
  {
    name: "file-length",
    instead: `split it by idea: a file has at most ${LINES} lines`,
    applies: isCode,
    check: (_path, text) => {
      const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
      return lines > LINES ? [{ line: lines, what: `${lines} lines` }] : [];
    },
  },
  {
    name: "columns",
    instead: `break the line: at most ${COLUMNS} columns (a link, or text in a test, may run on)`,
    applies: isCode,
    check: (path, text) => {
      const exempt = path.startsWith("test/") ? templateLines(path, text) : new Set<number>();
      return text.split("\n").flatMap((content, index) => {
        const width = Array.from(content).length;
        if (width <= COLUMNS || exempt.has(index + 1) || content.includes("://")) return [];
        return [{ line: index + 1, what: `${width} columns` }];
      });
    },
    excusable: true,
  },
  {
    name: "header",
    instead: "begin with a comment that says what the file is for and what laws hold in it",
    applies: (path) => path.endsWith(".ts") && inRooms(path),
    check: (_path, text) =>
      /^\s*\/[*/]/.test(text) ? [] : [{ line: 1, what: text.split("\n", 1)[0] ?? "" }],
  },
  {
    name: "left-out-test",
    instead: "run it or delete it; a test that cannot run here says so with skipIf and a reason",
    applies: (path) => isScript(path) && path.startsWith("test/"),
    check: (path, text) => findNodes(path, text, leftOut),
  },
  {
    name: "silenced",
    instead: "mend the type or the lint finding; parse unknown input with zod",
    applies: isScript,
    check: (path, text) => [
      ...findText(
        text,
        syntaxOf(path, text).comments,
        /@ts-(?:ignore|nocheck)|eslint-disable[\w-]*/g,
      ),
      ...findNodes(path, text, (node) =>
        node.kind === ts.SyntaxKind.AnyKeyword ? `any: ${node.parent.getText()}` : null,
      ),
    ],
  },
  {
    name: "outside-name",
    instead:
      "key a Map by it; in a JSON document type the object `JsonObject` and read it with `own`",
    applies: (path) => isScript(path) && isProduct(path) && path !== "engine/json.ts",
    check: (path, text) => findNodes(path, text, namedObject),
  },
  {
    name: "left-over",
    instead: "do it now, or say in a sentence what is not done and why",
    applies: (path) =>
      isScript(path) || /\.(svelte|ya?ml|sql|sh)$/.test(path) || path === ".ci/run",
    check: (path, text) =>
      findText(
        text,
        isScript(path) ? syntaxOf(path, text).comments : whole(text),
        /\b(?:TODO|FIXME|XXX|HACK)\b/g,
      ),
  },
  {
    name: "machine-path",
    instead: "use a relative path, import.meta.url, or mkdtemp under os.tmpdir()",
    applies: (path) => !["LICENSE", "package-lock.json"].includes(path),
    check: (_path, text) => (isBinary(text) ? [] : findText(text, whole(text), MACHINE_PATH)),
  },
];

/**
 * An object with free keys, or a question whether one has a key that is not written here: a name
 * such as `toString` finds what every object inherits.
 */
function namedObject(node: ts.Node): string | null {
  const isFree = (key: ts.TypeNode | undefined): boolean =>
    key !== undefined && /\bstring\b|\bPropertyKey\b/.test(key.getText());
  if (ts.isTypeReferenceNode(node) && node.typeName.getText() === "Record") {
    return isFree(node.typeArguments?.[0]) ? node.getText() : null;
  }
  if (ts.isIndexSignatureDeclaration(node)) {
    return isFree(node.parameters[0]?.type) ? node.getText() : null;
  }
  if (ts.isForInStatement(node)) return `for … in ${node.expression.getText()}`;
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.InKeyword) {
    return null;
  }
  const isWritten = ts.isStringLiteralLike(node.left) || /^[A-Z][A-Z_]*$/.test(node.left.getText());
  return isWritten || ts.isPrivateIdentifier(node.left) ? null : node.getText();
}
