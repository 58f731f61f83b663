/** `hindsight audit` of a live host's journal: all of its segments. */

import { statSync } from "node:fs";
import { join } from "node:path";
import { otherEngines } from "../audit/engines.ts";
import { HIGH_WATER, readHighWater, type MarkFault } from "../audit/highWater.ts";
import { replayLog } from "../audit/replay.ts";
import type { VerifyOptions } from "../audit/verify.ts";
import {
  replayJournal,
  verifyJournal,
  verifyMark,
  type VerifiedMark,
} from "../shadow/journal/check.ts";
import { note, print, printJson } from "./output.ts";
import { counted, countText } from "../counted.ts";

const EXIT_CHECK_FAILED = 1;
const NOTHING_SIGNED: MarkFault = {
  kind: "unsigned",
  what: "neither a checkpoint nor a high-water mark is signed",
};
/** So many names of quarantined deployments are printed. */
const SHOWN = 10;

export function isJournal(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

export function verifyWholeJournal(
  dir: string,
  isSigned: VerifyOptions["isSigned"],
  json: boolean,
): void {
  const before = readHighWater(dir);
  const segments = [...verifyJournal(dir, isSigned)];
  const broken = segments.find(
    ({ state, misplaced }) => state.fault !== null || misplaced !== null,
  );
  const last = segments.at(-1)!;
  const mark = broken === undefined ? verifyMark(dir, before, segments, isSigned) : null;
  // With a mark, `verifyMark` requires its signature.
  const isUnsigned =
    isSigned !== null &&
    mark?.mark === null &&
    segments.every(({ state }) => state.signedLines === 0);
  const endFault = mark?.fault ?? (isUnsigned ? NOTHING_SIGNED : null);
  const isWhole = broken === undefined && endFault === null;
  const count = (kind: "event" | "record"): number =>
    segments.reduce((sum, { state }) => sum + state.kinds[kind], 0);
  if (json) {
    printJson({
      journal: dir,
      whole: isWhole,
      highWater: mark?.mark ?? null,
      endFault,
      /** Was the mark's signature checked, and is it right? */
      endProven: isWhole && isSigned !== null && (mark?.mark ?? null) !== null,
      linesAfterHighWater: mark?.linesAfter ?? null,
      segments: segments.map(({ log, state, misplaced, quarantined }) => ({
        ...{ log, fault: state.fault, misplaced, lines: state.lines, closed: state.closed },
        ...{ lastHash: state.end.previous, quarantined },
        signedLines: state.signedLines,
      })),
    });
  } else if (broken === undefined && endFault !== null) {
    print(`${join(dir, HIGH_WATER)}: ${endFault.kind}: ${endFault.what}`);
  } else if (broken === undefined) {
    print(
      `${dir} is whole: ${segments.length} segments, ${count("event")} events, ` +
        `${count("record")} decision records. audit replay reads the samples too.\n` +
        `${endSaid(mark!, isSigned !== null)}\nLast hash ${last.state.end.previous}`,
    );
    sayQuarantined(segments.flatMap(({ quarantined }) => quarantined));
  } else {
    const { log, state, misplaced } = broken;
    const { fault } = state;
    print(fault === null ? `${log}:1: ${misplaced!}` : `${log}:${fault.line}: ${fault.what}`);
  }
  if (!isWhole) process.exitCode = EXIT_CHECK_FAILED;
}

function endSaid({ mark, linesAfter }: VerifiedMark, isChecked: boolean): string {
  if (mark === null) {
    return (
      "Its end is not proven: there is no high-water mark, so the loss of the last segments " +
      "would not be noticed"
    );
  }
  const reached = `line ${mark.lines} of segment ${mark.segment}`;
  const rest = linesAfter === 0 ? "" : `, but not the ${counted(linesAfter!, "line")} after it`;
  if (isChecked) return `Its end is proven up to ${reached}, by the signed high-water mark${rest}`;
  const how = mark.signature === null ? "is not signed" : "is signed; --key FILE checks it";
  return `Its end is not proven: the high-water mark, ${reached}, ${how}`;
}

/** The decisions of every segment from its judgements, and the judgements from its samples. */
export function replayWholeJournal(dir: string, json: boolean): void {
  const segments = [...replayJournal(dir)].map(({ log, replay, state }, at, { length }) => {
    const again = replayLog(log, at === length - 1);
    const { decisions, differences, engineVersions, quarantined } = again;
    return {
      ...{ log, decisions, differences, engineVersions, quarantined },
      judgements: replay?.judgements ?? null,
      difference: replay?.difference ?? null,
      state,
    };
  });
  const differ = segments.filter(
    ({ differences, difference, state }) =>
      differences.length > 0 || difference !== null || (state?.difference ?? null) !== null,
  );
  const sum = (of: (one: (typeof segments)[number]) => number): number =>
    segments.reduce((total, one) => total + of(one), 0);
  const engines = new Set(segments.flatMap(({ engineVersions }) => engineVersions));
  const otherEngine = otherEngines([...engines], true);
  if (json) printJson({ journal: dir, identical: differ.length === 0, otherEngine, segments });
  else {
    const decisions = countText(sum((one) => one.decisions));
    const judgements = countText(sum((one) => one.judgements ?? 0));
    const made = `${decisions} decisions and ${judgements} judgements made again`;
    print(differ.length === 0 ? `${made}, all identical` : `${made}; not all are the same`);
    sayQuarantined(segments.flatMap(({ quarantined }) => quarantined));
    for (const { log, differences, difference, state } of differ) {
      if (difference !== null) {
        print(`${log}:${difference.line}: ${difference.logged ?? "nothing"}, in the journal`);
        print(`  ${difference.now ?? "nothing"}, now`);
      }
      if (state !== null && state.difference !== null) {
        print(`${log}:${state.line}: ${state.file}: ${state.difference}`);
      }
      for (const one of differences) print(`${log}:${one.line}: ${one.what}: ${one.reason}`);
    }
  }
  if (otherEngine !== null) note(otherEngine);
  const without = segments.filter(({ judgements }) => judgements === null).length;
  if (without > 0) {
    note(
      `${counted(without, "segment")} not judged again: ` +
        "the samples that their baselines need were archived.",
    );
  }
  if (differ.length > 0) process.exitCode = EXIT_CHECK_FAILED;
}

function sayQuarantined(ids: readonly string[]): void {
  if (ids.length === 0) return;
  const shown = [...new Set(ids)].slice(0, SHOWN);
  const more = new Set(ids).size - shown.length;
  print(
    `${counted(new Set(ids).size, "deployment")} quarantined, because the engine threw: ` +
      `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`,
  );
}
