/** `hindsight audit` of a live host's journal: all of its segments. */

import { statSync } from "node:fs";
import { otherEngines } from "../audit/engines.ts";
import { replayLog } from "../audit/replay.ts";
import type { VerifyOptions } from "../audit/verify.ts";
import { replayJournal, verifyJournal } from "../shadow/journal/check.ts";
import { note, print, printJson } from "./output.ts";
import { counted, countText } from "../counted.ts";

const EXIT_CHECK_FAILED = 1;

export function isJournal(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

export function verifyWholeJournal(
  dir: string,
  isSigned: VerifyOptions["isSigned"],
  json: boolean,
): void {
  const segments = [...verifyJournal(dir, isSigned)];
  const broken = segments.find(
    ({ state, misplaced }) => state.fault !== null || misplaced !== null,
  );
  const last = segments.at(-1)!;
  const count = (kind: "event" | "record"): number =>
    segments.reduce((sum, { state }) => sum + state.kinds[kind], 0);
  if (json) {
    printJson({
      journal: dir,
      whole: broken === undefined,
      segments: segments.map(({ log, state, misplaced }) => ({
        ...{ log, fault: state.fault, misplaced, lines: state.lines, closed: state.closed },
        lastHash: state.end.previous,
      })),
    });
  } else if (broken === undefined) {
    print(
      `${dir} is whole: ${segments.length} segments, ${count("event")} events, ` +
        `${count("record")} decision records. audit replay reads the samples too.\n` +
        `Last hash ${last.state.end.previous}`,
    );
  } else {
    const { log, state, misplaced } = broken;
    const { fault } = state;
    print(fault === null ? `${log}:1: ${misplaced!}` : `${log}:${fault.line}: ${fault.what}`);
  }
  if (broken !== undefined) process.exitCode = EXIT_CHECK_FAILED;
}

/** The decisions of every segment from its judgements, and the judgements from its samples. */
export function replayWholeJournal(dir: string, json: boolean): void {
  const segments = [...replayJournal(dir)].map(({ log, replay }, at, { length }) => {
    const { decisions, differences, engineVersions } = replayLog(log, at === length - 1);
    return {
      ...{ log, decisions, differences, engineVersions },
      judgements: replay?.judgements ?? null,
      difference: replay?.difference ?? null,
    };
  });
  const differ = segments.filter(
    ({ differences, difference }) => differences.length > 0 || difference !== null,
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
    for (const { log, differences, difference } of differ) {
      if (difference !== null) {
        print(`${log}:${difference.line}: ${difference.logged ?? "nothing"}, in the journal`);
        print(`  ${difference.now ?? "nothing"}, now`);
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
