/**
 * A file as the rules see it: its text, its syntax tree, and its comments and
 * strings apart, so that a rule about code does not trip over prose and a rule
 * about prose does not trip over code.
 */

import ts from "typescript";

/** A piece of text and where it starts in its file. */
export interface Piece {
  readonly text: string;
  readonly at: number;
}

export interface Syntax {
  readonly root: ts.SourceFile;
  /** Every node, parents before children. */
  readonly nodes: readonly ts.Node[];
  readonly comments: readonly Piece[];
  /** String literals, and templates as written. */
  readonly strings: readonly Piece[];
}

/** What a rule found: the place, and the offending text. */
export interface Found {
  readonly line: number;
  readonly what: string;
}

export function isScript(path: string): boolean {
  return /\.(ts|js|mjs)$/.test(path);
}

/** To the rules a comment is a comment: what a doc comment says is no part of the tree. */
const AS_IT_IS: ts.CreateSourceFileOptions = {
  languageVersion: ts.ScriptTarget.Latest,
  jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
};

/** Every rule looks at the same trees: parsing and walking them once is most of the speed. */
const parsed = new Map<string, { text: string; syntax: Syntax }>();

export function syntaxOf(path: string, text: string): Syntax {
  const known = parsed.get(path);
  if (known?.text === text) return known.syntax;
  const root = ts.createSourceFile(path, text, AS_IT_IS, true);
  const strings: Piece[] = [];
  const nodes: ts.Node[] = [];
  const literals: ts.Node[] = [];
  const list = (node: ts.Node): void => {
    nodes.push(node);
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      strings.push({ text: node.getText(root), at: node.getStart(root) });
    }
    if (ts.isLiteralExpression(node) || ts.isTemplateLiteralToken(node)) literals.push(node);
    ts.forEachChild(node, list);
  };
  list(root);
  const comments = commentsOf(text, literals);
  const syntax = { root, nodes, comments, strings };
  parsed.set(path, { text, syntax });
  return syntax;
}

const COMMENTS = /(?:\/\/.*|\/\*[^]*?\*\/)(?:\s*(?:\/\/.*|\/\*[^]*?\*\/))*/g;

/**
 * Comments, those without code between them as one. They start where no literal is: asking the
 * tree for its tokens, and for what is before each of them, takes three times as long.
 *
 * @param literals in the order of the text
 */
function commentsOf(text: string, literals: readonly ts.Node[]): readonly Piece[] {
  const comments: Piece[] = [];
  let at = 0;
  const until = (end: number): void => {
    for (const match of text.slice(at, end).matchAll(COMMENTS)) {
      comments.push({ text: match[0], at: at + match.index });
    }
  };
  for (const literal of literals) {
    until(literal.getStart());
    at = literal.end;
  }
  until(text.length);
  return comments;
}

export function lineAt(text: string, at: number): number {
  let line = 1;
  for (
    let next = text.indexOf("\n");
    next !== -1 && next < at;
    next = text.indexOf("\n", next + 1)
  ) {
    line += 1;
  }
  return line;
}

/** Every node of the tree that `pick` names, with the name it gives. */
export function findNodes(
  path: string,
  text: string,
  pick: (node: ts.Node) => string | null,
): Found[] {
  const { root, nodes } = syntaxOf(path, text);
  const found: Found[] = [];
  for (const node of nodes) {
    const what = pick(node);
    if (what !== null) found.push({ line: lineAt(text, node.getStart(root)), what });
  }
  return found;
}

/** Every match of a global pattern in the pieces. */
export function findText(text: string, pieces: readonly Piece[], pattern: RegExp): Found[] {
  return pieces.flatMap((piece) =>
    [...piece.text.matchAll(pattern)].map((match) => ({
      line: lineAt(text, piece.at + match.index),
      what: match[0].trim(),
    })),
  );
}

/** A whole file as one piece. */
export function whole(text: string): readonly Piece[] {
  return [{ text, at: 0 }];
}

/** The module a node imports, in any of the ways there are. */
export function importedBy(node: ts.Node): string | null {
  const literal =
    ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
      ? node.moduleSpecifier
      : ts.isExternalModuleReference(node)
        ? node.expression
        : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
          ? node.argument.literal
          : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
            ? node.arguments[0]
            : undefined;
  if (literal === undefined) return null;
  return ts.isStringLiteralLike(literal) ? literal.text : literal.getText();
}
