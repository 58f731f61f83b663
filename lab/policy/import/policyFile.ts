/** An incumbent as a policy file: plain data that can be read, changed, swept and compared. */

import { createHash } from "node:crypto";
import { basename } from "node:path";
import { stringify } from "yaml";
import { formatDuration, type IncumbentKind } from "../../../engine/index.ts";

/** A query of the incumbent, as `import prometheus` asks it. */
export interface WrittenQuery {
  readonly name: string;
  /** Null: what it is does not stand in the files. */
  readonly expr: string | null;
  readonly intervalMs: number;
}

/** By which metric of the history a query is answered, and in what unit. */
export interface Bound {
  readonly metric: string;
  /** An answer is the history's value times this, plus that; absent: the value. */
  readonly times?: number | undefined;
  readonly plus?: number | undefined;
}

export interface WrittenIncumbent {
  readonly policy: string;
  readonly owner: string;
  readonly system: IncumbentKind;
  readonly plan: unknown;
  readonly queries: readonly WrittenQuery[];
  readonly watchMs: number;
  /** What the history calls the answers, by query; absent: as the query is called. */
  readonly metrics: ReadonlyMap<string, Bound>;
  readonly sources: readonly { readonly file: string; readonly text: string }[];
}

/** The text of the policy file. The same input gives the same text. */
export function incumbentText(given: WrittenIncumbent): string {
  const { policy, owner, system, plan, queries, watchMs, metrics, sources } = given;
  const made = sources.map(({ file, text }) => {
    const digest = createHash("sha256").update(text).digest("hex").slice(0, 12);
    return `# from ${basename(file)}, sha256 ${digest}\n`;
  });
  const document = {
    policy,
    owner,
    watch: formatDuration(watchMs),
    incumbent: {
      system,
      queries: Object.fromEntries(
        queries.map(({ name, expr, intervalMs }) => {
          const { metric = name, times, plus } = metrics.get(name) ?? {};
          const unit = {
            ...(times === undefined ? {} : { times }),
            ...(plus === undefined ? {} : { plus }),
          };
          const asked = expr === null ? {} : { query: expr };
          return [name, { metric, ...unit, ...asked, interval: formatDuration(intervalMs) }];
        }),
      ),
      plan,
    },
  };
  const notes =
    "# What the incumbent does, as a policy: compare it with your own, or sweep its limits.\n" +
    "# `metric` is what the history calls the answers of a query.\n";
  return `${made.join("")}${notes}${stringify(document, { lineWidth: 0 })}`;
}
