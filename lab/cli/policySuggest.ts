/** `hindsight policy suggest`: a first policy for a history, with its reasons. */

import { Command, InvalidArgumentError } from "commander";
import type { LabelChoice } from "../history/labels/choose.ts";
import { openHistory } from "../history/open.ts";
import type { FalseAlarms } from "../suggest/draft.ts";
import { suggestPolicy } from "../suggest/suggest.ts";
import { labelsOption } from "./options.ts";
import { note, print, printJson, PROGRAM, progressBar } from "./output.ts";
import { writeWholeFile } from "./textFile.ts";

interface Flags {
  readonly history: string;
  readonly falseAlarms: FalseAlarms;
  readonly owner: string;
  readonly out?: string;
  readonly labels?: LabelChoice;
  readonly json?: true;
}

export function suggestCommand(): Command {
  return new Command("suggest")
    .description("Draft a policy for a history: what to watch, and how closely.")
    .requiredOption("--history <dir>", "the history it is for; labels are not needed")
    .option("--false-alarms <n/time>", "how many are tolerable: 1/week, 2/month, 1/day", rate, {
      count: 1,
      per: "week",
    } satisfies FalseAlarms)
    .option("--owner <team>", "who answers for it", "my-team")
    .option("--out <file>", "write the policy there, not to standard output")
    .addOption(labelsOption())
    .option("--json", "print one JSON document, with what the draft rests on")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight policy suggest --history .hindsight/example --out suggested.yaml\n" +
        "\nThe settings are chosen on watches of this history away from deployments and incidents.",
    )
    .action(async (flags: Flags) => {
      const history = await openHistory(flags.history, { labels: flags.labels });
      try {
        const { falseAlarms, owner } = flags;
        const suggested = await suggestPolicy(history, falseAlarms, owner, progressBar());
        const { text, policy, share, perWeek, chosen, places, unwatched, caught } = suggested;
        if (flags.out !== undefined) writeWholeFile(flags.out, text);
        if (flags.json) {
          const { pasts } = chosen;
          const tried = {
            quiet: places.quiet === null ? null : pasts[places.quiet]!,
            benign: places.benign === null ? null : pasts[places.benign]!,
          };
          printJson({
            ...{ file: flags.out ?? null, policy: policy.policy, digest: policy.digest, text },
            ...{ falseAlarms, share, deploymentsPerWeek: perWeek, tried, unwatched, caught },
          });
        } else if (flags.out === undefined) print(text.trimEnd());
        else print(`${flags.out}: ${policy.policy}, ${policy.digest.slice(0, 12)}`);
        if (flags.out === undefined) return;
        note("Look at what it would have done:");
        note(`  ${PROGRAM} replay --history ${flags.history} --policy ${flags.out}`);
      } finally {
        history.close();
      }
    });
}

/** `1/week` */
function rate(text: string): FalseAlarms {
  const [, count, per] = /^(\d+(?:\.\d+)?)\/(day|week|month)$/.exec(text) ?? [];
  if (count === undefined || Number(count) <= 0 || !Number.isFinite(Number(count))) {
    throw new InvalidArgumentError(
      "expected a number above 0 a day, week or month, such as 1/week",
    );
  }
  return { count: Number(count), per: per as FalseAlarms["per"] };
}
