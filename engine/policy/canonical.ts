/** Canonical JSON: equal content gives equal text, so that digests can be compared. */

/** JSON with sorted keys and no white space: equal content is equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = value as Readonly<Record<string, unknown>>;
    let text = "";
    for (const key of Object.keys(entries).sort()) {
      if (entries[key] === undefined) continue;
      text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${canonicalJson(entries[key])}`;
    }
    return `{${text}}`;
  }
  return JSON.stringify(value);
}
