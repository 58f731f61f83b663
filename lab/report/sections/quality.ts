/** The sections on data quality, and on how to make the report again. */

import {
  caution,
  heading,
  list,
  paragraph,
  withCode,
  type Block,
  type Section,
} from "../blocks.ts";
import { daysChart } from "../charts/days.ts";
import { WHOLE_SHARE } from "../quarter.ts";
import type { ReportDocument } from "../document.ts";
import { formatValue } from "../../compare/words.ts";
import { counted, countText } from "../../counted.ts";

const HOLES_SHOWN = 12;

export function qualitySection({ quality, quarter, comparison }: ReportDocument): Section {
  const { answers, dropped, warnings, samples, missingSamples, coverage } = quality;
  const cannot = answers.filter(({ answer }) => !answer);
  const blocks: Block[] = [heading("What this history cannot answer")];
  if (cannot.length === 0) blocks.push(paragraph("It can answer every question of the lab."));
  else {
    blocks.push({
      kind: "facts",
      facts: cannot.map(({ question, why }) => [question, withCode(`No: ${why}.`)]),
    });
  }
  blocks.push(
    list([
      "A replay is open loop: the samples are those of the history, and one policy's rollback " +
        "changes no later deployment.",
      "What would have followed where history rolled back first does not exist; it is a model, " +
        "and every interval covers both ways it may have gone.",
    ]),
    heading("How much of the quarter there is"),
    ...partBlocks(quarter),
  );
  if (coverage.days.some(({ share }) => share > 0)) {
    blocks.push({
      kind: "figure",
      chart: daysChart(coverage, "Samples by day; holes are listed below"),
      caption: "Samples by day against a full day; days with less than half are marked whole.",
    });
  }
  const { holes, deploymentsInHoles } = coverage;
  const shown = holes.slice(0, HOLES_SHOWN);
  if (holes.length > 0) {
    const more = holes.length - shown.length;
    blocks.push(
      deploymentsInHoles === 0
        ? paragraph("No deployment of the quarter started where samples are missing.")
        : caution(
            `${countText(deploymentsInHoles)} of ${counted(quarter.deployments, "deployment")} ` +
              "of the quarter started where samples are missing. They count as undecidable or " +
              "rest on few samples, never as healthy for certain.",
          ),
      list([
        ...shown.map(
          ({ service, fromDay, toDay, days }) =>
            `${service ?? "All services"}: ${fromDay} to ${toDay}, ` +
            `${days} ${days === 1 ? "day" : "days"} with less than half of the samples`,
        ),
        ...(more > 0 ? [`and ${more} more of single services`] : []),
      ]),
    );
  } else if (quarter.sampledFrom !== null) {
    blocks.push(paragraph("No day of the sampled quarter lacks half of its samples or more."));
  }
  const share = samples === 0 ? 0 : (100 * missingSamples) / samples;
  blocks.push(
    heading("What was left out"),
    list([
      `${countText(missingSamples)} of ${countText(samples)} stored ` +
        `samples are missing scrapes (${share.toFixed(2)} %).`,
      ...dropped.map(
        ({ table, reason, rows }) => `${counted(rows, "row")} of ${table}: ${reason}.`,
      ),
      ...warnings.map(withCode),
      ...(comparison?.manifest.notes ?? []).map(withCode),
    ]),
  );
  return { id: "quality", title: "Data, and what it cannot say", blocks };
}

function partBlocks(quarter: ReportDocument["quarter"]): Block[] {
  const { name, from, to, sampledFrom, sampledTo, deployments, deploymentsOutside } = quarter;
  const day = (time: string): string => time.slice(0, 10);
  if (sampledFrom === null || sampledTo === null) {
    return [caution(`The history has no sample of ${name}: nothing below is about it.`)];
  }
  const facts =
    `${name} is ${day(from)} to before ${day(to)}, UTC; the history samples it from ` +
    `${day(sampledFrom)} to ${day(sampledTo)} and has ${counted(deployments, "deployment")} in it` +
    (deploymentsOutside === 0 ? "." : `, ${countText(deploymentsOutside)} outside.`);
  const whole = Date.parse(to) - Date.parse(from);
  const share = (Date.parse(sampledTo) - Date.parse(sampledFrom)) / whole;
  if (share > WHOLE_SHARE) return [paragraph(facts)];
  const percent = `${(100 * share).toFixed(0)} %`;
  return [
    paragraph(facts),
    caution(`That is ${percent} of the quarter: read every number as of that part alone.`),
  ];
}

export function auditSection({ asked, audit, comparison, policies }: ReportDocument): Section {
  const manifest = comparison?.manifest;
  const facts: [string, string][] = [
    ["History", audit.history],
    ["Its tables", audit.tables],
    ...policies.map(({ name, digest, owner }): [string, string] => [
      `Policy ${name}`,
      `${digest}, owner ${owner}`,
    ]),
    ["Decision log, last link", audit.decisionLog ?? "nothing was decided"],
  ];
  if (manifest !== undefined) {
    const { rollbackSeconds, rollbackFrom, recoverySeconds, recoveryFrom } = manifest.recovery;
    const { rollbackFails, rollbackFailsFrom } = manifest.recovery;
    facts.push(
      ["Engine, time zones", `${manifest.engineVersion}, ${manifest.timeZones}`],
      [
        "Seed, intervals, draws",
        `${manifest.seed}, ${manifest.replicates} resamples, ${counted(manifest.draws, "draw")}`,
      ],
      ["People", `${asked.people} (${manifest.peopleFrom})`],
      ["Effect hidden by history", manifest.effect],
      ["Rollback takes", `${formatValue("seconds", rollbackSeconds)}: ${rollbackFrom}`],
      ["Rollbacks fail", `${formatValue("share", rollbackFails ?? 0)}: ${rollbackFailsFrom}`],
      ["Recovery takes", `${formatValue("seconds", recoverySeconds)}: ${recoveryFrom}`],
    );
  }
  const blocks: Block[] = [
    paragraph(
      "All numbers of this report lie inside this file, as JSON. The following makes them " +
        "again from the history and the policies, and names the first that differs:",
    ),
    { kind: "command", text: "hindsight report --check THIS-FILE" },
    {
      kind: "facts",
      facts: facts.map(([term, text]) => [term, [{ code: text }]]),
    },
    paragraph(
      "Digests are SHA-256. The decision log holds every decision under these policies and the " +
        "digests of all samples they saw; its last link changes with any of them.",
    ),
  ];
  if (asked.redact) {
    blocks.push(
      caution(
        "Names of people and what they wrote are replaced by pseudonyms, the same for the same " +
          "person throughout. The digests of tables and decision log are of the redacted history.",
      ),
    );
  }
  return { id: "audit", title: "How to make this report again", blocks };
}
