/** What is wrong with the kind of a value, in the words of whoever wrote the YAML. */

const KINDS: ReadonlyMap<string, string> = new Map([
  ["object", "a mapping"],
  ["record", "a mapping"],
  ["array", "a list"],
  ["tuple", "a list"],
  ["string", "a text"],
  ["number", "a number"],
  ["int", "a whole number"],
  ["boolean", "true or false"],
]);

const WRONG_KIND = /^Invalid input: expected (?<expected>\w+), received (?<received>\w+)$/;

/**
 * The message of an issue of Zod. One about the kind of a value is put into the words of YAML (a
 * mapping, a list, nothing at all); any other stays as it is.
 */
export function issueText(message: string): string {
  const { expected, received } = WRONG_KIND.exec(message)?.groups ?? {};
  if (expected === undefined || received === undefined) {
    return message.replace(/^Invalid input: /, "");
  }
  const wanted = KINDS.get(expected) ?? expected;
  if (received === "undefined") return `missing, ${wanted} is expected`;
  if (received === "null") return `nothing is written here, ${wanted} is expected`;
  return `expected ${wanted}, and this is ${KINDS.get(received) ?? received}`;
}
