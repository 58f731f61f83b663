/** A changed policy is another policy: beside its base it needs a name of its own. */

/** The text with another `policy:` name, all else as it stands. */
export function renamed(yaml: string, name: string): string {
  return yaml.replace(/^policy:[ \t]*\S.*$/m, `policy: ${name}`);
}

/** Letters, digits and dashes, as a file and a command line like it. */
export function plainName(text: string): string {
  return text.trim().replace(/[^\w.-]+/g, "-");
}
