/**
 * Just enough PromQL to read it safely: is it a plain selector, where are the selectors in an
 * expression, and the same question for some services only. It never judges an expression;
 * what is no PromQL the server says.
 */

/** Strings first: whatever stands in them is no syntax. */
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

/** A vector selector, by its place; what follows it in brackets or words is not in it. */
interface Selector {
  readonly from: number;
  readonly to: number;
  /** Where the closing brace is; null when there is none. */
  readonly brace: number | null;
  readonly followedBy: string;
  /** The function whose only argument it is, if any. */
  readonly inside: string;
}

function selectorsOf(query: string): Selector[] {
  const tokens = tokensOf(query);
  const text = (at: number): string => tokens[at]?.text ?? "";
  const found: Selector[] = [];
  const skip = (at: number, open: string, close: string): number => {
    let depth = 0;
    for (let i = at; i < tokens.length; i++) {
      if (text(i) === open) depth++;
      else if (text(i) === close && --depth === 0) return i;
    }
    return tokens.length - 1;
  };
  /** A subquery is no range: what it repeats is an instant selector. */
  const followedBy = (at: number): string => {
    if (text(at) !== "[") return text(at).toLowerCase();
    const range = tokens.slice(at, skip(at, "[", "]")).some((one) => one.text.includes(":"));
    return range ? "subquery" : "[";
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
      found.push({
        from: tokens[first]!.from,
        to: tokens[i]!.to,
        brace: braced ? tokens[i]!.from : null,
        followedBy: followedBy(i + 1),
        inside: text(first - 1) === "(" ? text(first - 2).toLowerCase() : "",
      });
    }
  }
  return found;
}

function isWhole(query: string, { from, to }: Selector): boolean {
  return query.slice(0, from).trim() === "" && query.slice(to).trim() === "";
}

/** Is it nothing but a selector, so that its samples can be read as they were scraped? */
export function isSelector(query: string): boolean {
  const [only, ...more] = selectorsOf(query);
  return only !== undefined && more.length === 0 && isWhole(query, only);
}

/** `up[5m]`: a selector with its range. */
export function isRangeSelector(query: string): boolean {
  const match = /^(.*)\[\s*\w+\s*\]$/s.exec(query.trim());
  return match !== null && isSelector(match[1]!);
}

/**
 * The same expression with a limit on how old a sample may be. Prometheus takes the newest
 * sample of the last five minutes, so what stopped without a word (a store that gets no more
 * samples, a gateway, a federation) looks alive for so long. Selectors with a range have a
 * limit of their own already, and with an `offset` or `@` they ask for the past on purpose;
 * `timestamp(…)` and `absent(…)` look at the sample itself.
 */
export function limitAge(query: string, staleMs: number): string {
  return replaced(query, (selector, one) => {
    if (["[", "offset", "@"].includes(one.followedBy)) return selector;
    if (["timestamp", "absent"].includes(one.inside)) return selector;
    // `and` keeps what says "gone": a stale marker ends the left side at once.
    return `(${selector} and last_over_time(${selector}[${staleMs}ms]))`;
  });
}

/** A selector for these services only. */
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
 * An expression's answer for these services only. A label may come into being inside of it, so
 * it is filtered from without: the server works as much, but sends no more than is asked for.
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
  for (const one of selectorsOf(query)) {
    text += query.slice(done, one.from) + by(query.slice(one.from, one.to), one);
    done = one.to;
  }
  return text + query.slice(done);
}
