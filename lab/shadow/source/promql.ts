/**
 * Just enough of PromQL's syntax to tell plain selectors from expressions, to find the selectors in
 * an expression, and to restrict a query to some services. It does not check whether a query is
 * valid: the server does.
 */

/** Strings are tried first, because their content is not syntax. */
const TOKEN =
  /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|#[^\n]*|[a-zA-Z_:][\w:]*|\d[\w.]*|\.\d+|\s+|[^]/g;

interface Token {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

function tokensOf(query: string): Token[] {
  return [...query.matchAll(TOKEN)]
    .map(([text], index, all) => ({
      text,
      from: all[index]!.index,
      to: all[index]!.index + text.length,
    }))
    .filter(({ text }) => !/^(\s|#)/.test(text));
}

const NAME = /^[a-zA-Z_:][\w:]*$/;
/** Words that take a list of labels in parentheses. */
const GROUPING = /^(by|without|on|ignoring|group_left|group_right)$/i;
const OTHER_WORDS = /^(and|or|unless|atan2|bool|offset|inf|nan|start|end)$/i;

/** The position of a vector selector, without the range or the words that follow it. */
interface Selector {
  readonly from: number;
  readonly to: number;
  /** Position of the closing brace; null when there is none. */
  readonly brace: number | null;
  /** The next token (`[` for a range), in lower case; `subquery` for the range of a subquery. */
  readonly followedBy: string;
  /** The function that it is the first argument of, else "". */
  readonly inside: string;
}

function selectorsOf(query: string): Selector[] {
  const tokens = tokensOf(query);
  const text = (at: number): string => tokens[at]?.text ?? "";
  const selectors: Selector[] = [];
  const skip = (at: number, open: string, close: string): number => {
    let depth = 0;
    for (let i = at; i < tokens.length; i++) {
      if (text(i) === open) depth++;
      else if (text(i) === close && --depth === 0) return i;
    }
    return tokens.length - 1;
  };
  /** The brackets of a subquery are no range: it repeats an instant selector. */
  const followedBy = (at: number): string => {
    if (text(at) !== "[") return text(at).toLowerCase();
    const isSubquery = tokens.slice(at, skip(at, "[", "]")).some((t) => t.text.includes(":"));
    return isSubquery ? "subquery" : "[";
  };
  for (let i = 0; i < tokens.length; i++) {
    const first = i;
    const token = text(i);
    if (token === "[") {
      i = skip(i, "[", "]");
    } else if (GROUPING.test(token)) {
      if (text(i + 1) === "(") i = skip(i + 1, "(", ")");
    } else if (NAME.test(token) || token === "{") {
      if (NAME.test(token) && (OTHER_WORDS.test(token) || text(i + 1) === "(")) continue;
      if (NAME.test(token) && GROUPING.test(text(i + 1))) continue; // An aggregation.
      if (NAME.test(token) && text(i + 1) === "{") i++;
      const braced = text(i) === "{";
      if (braced) i = skip(i, "{", "}");
      selectors.push({
        from: tokens[first]!.from,
        to: tokens[i]!.to,
        brace: braced ? tokens[i]!.from : null,
        followedBy: followedBy(i + 1),
        inside: text(first - 1) === "(" ? text(first - 2).toLowerCase() : "",
      });
    }
  }
  return selectors;
}

function isWhole(query: string, { from, to }: Selector): boolean {
  return query.slice(0, from).trim() === "" && query.slice(to).trim() === "";
}

/** Is the query a selector and nothing else, so that its raw samples can be read? */
export function isSelector(query: string): boolean {
  const [only, ...more] = selectorsOf(query);
  return only !== undefined && more.length === 0 && isWhole(query, only);
}

/** Is it a selector with a range, such as `up[5m]`? */
export function isRangeSelector(query: string): boolean {
  const match = /^(.*)\[\s*\w+\s*\]$/s.exec(query.trim());
  return match !== null && isSelector(match[1]!);
}

/**
 * The same expression with a limit on the age of samples. Prometheus takes the newest sample of the
 * last five minutes, so a series that stops without a stale marker (a store that gets no more
 * samples, a gateway, a federation) looks alive for five minutes. Left as they are: selectors with
 * a range, which have a limit already; those with `offset` or `@`, which ask for the past on
 * purpose; and `timestamp(…)` and `absent(…)`, which are about the sample itself.
 */
export function limitAge(query: string, staleMs: number): string {
  return replaced(query, (selector, { followedBy, inside }) => {
    if (["[", "offset", "@"].includes(followedBy)) return selector;
    if (["timestamp", "absent"].includes(inside)) return selector;
    // Not the right side alone: a stale marker must still end the series at once, on the left.
    return `(${selector} and last_over_time(${selector}[${staleMs}ms]))`;
  });
}

/** Restricts a selector to these services. */
export function ofServices(query: string, label: string, services: readonly string[]): string {
  const pattern = services.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  const matcher = `${label}=~${JSON.stringify(pattern)}`;
  return replaced(query, (selector, { brace, from }) => {
    if (brace === null) return `${selector}{${matcher}}`;
    const inner = selector.slice(0, brace - from).trimEnd();
    return `${inner}${/[{,]$/.test(inner) ? "" : ","}${matcher}}`;
  });
}

/**
 * Restricts an expression's result to these services. The label may be created inside the
 * expression, so the result is filtered, not the selectors: the server computes as much as before
 * but sends less.
 */
export function keepServices(query: string, label: string, services: readonly string[]): string {
  const named = services.map(
    (service) =>
      `label_replace(vector(1), ${JSON.stringify(label)}, ` +
      `${JSON.stringify(service.replaceAll("$", "$$$$"))}, "", "")`,
  );
  return `(${query}\n) and on (${label}) (${named.join(" or ")})`;
}

function replaced(query: string, by: (selector: string, at: Selector) => string): string {
  let [text, done] = ["", 0];
  for (const selector of selectorsOf(query)) {
    const { from, to } = selector;
    text += query.slice(done, from) + by(query.slice(from, to), selector);
    done = to;
  }
  return text + query.slice(done);
}
