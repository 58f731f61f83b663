/**
 * Labels that follow from what came after: a deployment that was taken back was a regression, and
 * the deployment that took it back is neither good nor bad. Each has a source and a confidence.
 *
 * Laws: what a production policy decided is no source, because it would then be right by
 * construction. That nothing happened counts as good only where a history records what goes wrong.
 */

import { getOrMake } from "../../getOrMake.ts";
import { incidentKnownAt } from "../incidents.ts";
import type { Listed } from "../listed.ts";
import { WATCH_MS } from "../quality.ts";
import type { DeploymentRow, IncidentRow, Label } from "../tables.ts";
import { saidRollback, type SaidOf, type SaidRollback } from "./said.ts";

/** `rollback`: it took another deployment back, so it is set aside. */
export type DerivedWord = Exclude<Label, "unknown" | "unrelated_incident"> | "rollback";

export interface DerivedLabel {
  readonly deploymentId: string;
  readonly derived: DerivedWord;
  readonly source: string;
  /** From 0 to 1; see README.md. */
  readonly confidence: number;
  readonly why: string;
  /** When it became knowable; absent where its source has no time, as `change_failure` has none. */
  readonly knownAtMs?: number;
  /** When a later deployment first took it back; absent where none did. */
  readonly takenBackAtMs?: number;
}

const DAY_MS = 86_400_000;
/** How sure each source is; README.md has what was measured in worlds with truth. */
const SURE = {
  /** The version before it came back: within a day, within a week, later. */
  restored: [0.95, 0.85, 0.6],
  /** The words name what is taken back. */
  named: 0.95,
  /** The words do not, so the deployment before is taken for it. */
  before: [0.85, 0.6, 0.3],
  /** More than one version was taken back at once. */
  amongSeveral: 0.7,
  /**
   * That what was taken back was bad: with an incident of it, with one of its service at that time
   * where no incident names a deployment, without any, and in a history that records none. The
   * last is what was measured in worlds (README.md).
   */
  bad: { linked: 1, atThatTime: 0.75, noIncident: 0.1, noIncidents: 0.43 },
  changeFailure: 0.9,
  noChangeFailure: 0.8,
  blamed: 0.95,
  linked: 0.7,
  noTrouble: 0.7,
} as const;

interface Rollback {
  readonly sure: number;
  readonly source: string;
  readonly why: string;
  /** The deployments that it took back. */
  readonly blamed: readonly { readonly place: number; readonly sure: number }[];
  /** Between those and what was brought back: which of them was bad is not known. */
  readonly doubtful: readonly number[];
}

/** By deployment, in the order of the deployments; those of which nothing follows are left out. */
export function deriveLabels(
  tables: {
    readonly deployments: Listed<DeploymentRow>;
    readonly incidents: readonly IncidentRow[];
  },
  said: ReadonlyMap<string, SaidOf>,
): readonly DerivedLabel[] {
  const found = new Map<string, DerivedLabel>();
  const doubtful = new Set<string>();
  const back = new Map<string, number>();
  const keep = (label: DerivedLabel): void => {
    const known = found.get(label.deploymentId);
    if (known?.derived === "rollback") return;
    if (known === undefined || label.derived === "rollback") {
      found.set(label.deploymentId, label);
      return;
    }
    const [kept, other] = label.confidence > known.confidence ? [label, known] : [known, label];
    // A source without a time was known no earlier than another that says the same.
    const hasTime = kept.knownAtMs !== undefined || kept.derived !== other.derived;
    found.set(kept.deploymentId, hasTime ? kept : { ...other, ...kept });
  };
  const groups = new Map<string, DeploymentRow[]>();
  for (const row of tables.deployments) {
    getOrMake(groups, `${row.service}\n${row.environment}`, () => []).push(row);
  }
  const isBad = badnessOf(tables.incidents);
  for (const group of groups.values()) {
    group.sort(
      (a, b) => a.startedAtMs - b.startedAtMs || (a.deploymentId < b.deploymentId ? -1 : 1),
    );
    takenBack(group, said, isBad, keep, doubtful, back);
  }
  for (const { deploymentId } of tables.deployments) {
    const failed = said.get(deploymentId)?.changeFailure ?? null;
    if (failed === null) continue;
    const confidence = failed ? SURE.changeFailure : SURE.noChangeFailure;
    const derived = failed ? "regression" : "benign";
    const why = `change_failure is ${failed}`;
    keep({ deploymentId, derived, source: "change_failure", confidence, why });
  }
  fromIncidents(tables, keep, doubtful);
  const isTrouble = ({ derived }: DerivedLabel): boolean => derived !== "benign";
  if ([...found.values()].some(isTrouble)) fromQuiet(tables, groups, found, doubtful, keep);
  return [...tables.deployments].flatMap(({ deploymentId }) => {
    const label = found.get(deploymentId);
    const takenBackAtMs = back.get(deploymentId);
    if (label === undefined) return [];
    return takenBackAtMs === undefined ? label : { ...label, takenBackAtMs };
  });
}

type Keep = (label: DerivedLabel) => void;

type Badness = (
  row: DeploymentRow,
  takenBackAtMs: number,
) => {
  readonly share: number;
  readonly because: string;
  /** When both the rollback and what tells of it were known. */
  readonly knownAtMs: number;
};

/**
 * A rollback is a decision, and a decision can be wrong: in a world whose policy rolls back on
 * noise, three of four deployments that were taken back were good. Incidents tell them apart.
 */
function badnessOf(incidents: readonly IncidentRow[]): Badness {
  if (incidents.length === 0) {
    const because = "no incidents are recorded";
    return (_, knownAtMs) => ({ share: SURE.bad.noIncidents, because, knownAtMs });
  }
  const linked = new Map<string, number>();
  const namesAny = incidents.some(({ deploymentId }) => deploymentId !== null);
  const onsets = new Map<string, number[]>();
  for (const incident of incidents) {
    const { service, deploymentId, onsetAtMs } = incident;
    if (deploymentId === null) getOrMake(onsets, service, () => []).push(onsetAtMs);
    else {
      const knownAtMs = Math.min(incidentKnownAt(incident), linked.get(deploymentId) ?? Infinity);
      linked.set(deploymentId, knownAtMs);
    }
  }
  return ({ deploymentId, service, startedAtMs }, takenBackAtMs) => {
    const linkedAtMs = linked.get(deploymentId);
    if (linkedAtMs !== undefined) {
      const knownAtMs = Math.max(takenBackAtMs, linkedAtMs);
      return { share: SURE.bad.linked, because: "an incident is linked to it", knownAtMs };
    }
    // Where incidents name deployments, one that names none is of something else.
    const isHarmed = onsets
      .get(service)
      ?.some((onsetMs) => !namesAny && onsetMs >= startedAtMs && onsetMs <= takenBackAtMs);
    const [share, because] =
      isHarmed === true
        ? [SURE.bad.atThatTime, "its service had an incident at that time"]
        : [SURE.bad.noIncident, "no incident tells against it"];
    return { share, because, knownAtMs: takenBackAtMs };
  };
}

/** Rollbacks among the deployments of one service in one environment, and what they took back. */
function takenBack(
  group: readonly DeploymentRow[],
  said: ReadonlyMap<string, SaidOf>,
  isBad: Badness,
  keep: Keep,
  doubtful: Set<string>,
  back: Map<string, number>,
): void {
  const firstSeen = versionsSeen(group);
  const rollbacks = new Set<number>();
  group.forEach(({ deploymentId, startedAtMs }, place) => {
    const words = said.get(deploymentId);
    const told = words === undefined ? null : saidRollback(words);
    const seen = firstSeen === null ? null : restoredAt(group, place, firstSeen, rollbacks);
    const rollback = told === null ? seen : saidAt(group, place, told, said, rollbacks, seen);
    if (rollback === null) return;
    rollbacks.add(place);
    const { source, why } = rollback;
    const own = { source, confidence: rollback.sure, why, knownAtMs: startedAtMs };
    keep({ deploymentId, derived: "rollback", ...own });
    for (const { place: bad, sure } of rollback.blamed) {
      const row = group[bad]!;
      const { share, because, knownAtMs } = isBad(row, startedAtMs);
      const taken = `${deploymentId} takes it back: ${why}; ${because}`;
      const confidence = Math.round(sure * share * 100) / 100;
      const label = { source, confidence, why: taken, knownAtMs };
      keep({ deploymentId: row.deploymentId, derived: "regression", ...label });
      doubtful.add(row.deploymentId);
      getOrMake(back, row.deploymentId, () => startedAtMs);
    }
    for (const between of rollback.doubtful) doubtful.add(group[between]!.deploymentId);
  });
}

/**
 * By version, the place of its first deployment. Null where versions do not tell builds apart, as
 * `latest` and `main` do not.
 */
function versionsSeen(group: readonly DeploymentRow[]): ReadonlyMap<string, number> | null {
  const first = new Map<string, number>();
  let versioned = 0;
  group.forEach(({ version }, place) => {
    if (version === null) return;
    versioned++;
    if (!first.has(version)) first.set(version, place);
  });
  return 2 * first.size >= versioned ? first : null;
}

/** Is it a version that was there before the one it replaces? Deployed again, it replaces none. */
function restoredAt(
  group: readonly DeploymentRow[],
  place: number,
  firstSeen: ReadonlyMap<string, number>,
  rollbacks: ReadonlySet<number>,
): Rollback | null {
  const { version } = group[place]!;
  const replaced = group[place - 1]?.version ?? null;
  if (version === null || replaced === null || version === replaced) return null;
  if (firstSeen.get(version)! >= firstSeen.get(replaced)!) return null;
  let last = place - 1;
  while (group[last]!.version !== version) last--;
  const between = Array.from({ length: place - 1 - last }, (_, at) => last + 1 + at).filter(
    (one) => !rollbacks.has(one),
  );
  const blamed = between.filter((one) => group[one]!.version === replaced);
  const several = between.length > blamed.length;
  const age = ageOf(group, blamed[0] ?? place, place);
  const sure = SURE.restored[age] * (several ? SURE.amongSeveral : 1);
  return {
    sure: SURE.restored[age],
    source: "restored version",
    why: `it brings back ${version}, which ${replaced} had replaced`,
    blamed: blamed.map((one) => ({ place: one, sure })),
    doubtful: between.filter((one) => !blamed.includes(one)),
  };
}

/** It says of itself that it rolls back. What it takes back may follow from the versions. */
function saidAt(
  group: readonly DeploymentRow[],
  place: number,
  told: SaidRollback,
  said: ReadonlyMap<string, SaidOf>,
  rollbacks: ReadonlySet<number>,
  seen: Rollback | null,
): Rollback {
  const own = { sure: SURE.named, source: told.by, why: `it says "${told.words}"` };
  const isNamed = ({ deploymentId, version }: DeploymentRow): boolean => {
    const { of } = told;
    if (of === null) return false;
    if ("title" in of) return said.get(deploymentId)?.title?.trim() === of.title;
    const known = version?.toLowerCase() ?? "";
    return known.length >= 7 && (known.startsWith(of.commit) || of.commit.startsWith(known));
  };
  const named = group.findLastIndex((row, at) => at < place && isNamed(row));
  if (named >= 0) {
    return { ...own, blamed: [{ place: named, sure: SURE.named }], doubtful: [] };
  }
  if (seen !== null) {
    const why = `${own.why}, and ${seen.why}`;
    return { ...own, source: seen.source, why, blamed: seen.blamed, doubtful: seen.doubtful };
  }
  let before = place - 1;
  while (before >= 0 && rollbacks.has(before)) before--;
  if (before < 0) return { ...own, blamed: [], doubtful: [] };
  // What it names is none of these deployments, so that the one before it was bad is less sure.
  const age = told.of === null ? ageOf(group, before, place) : 1;
  return { ...own, blamed: [{ place: before, sure: SURE.before[age] }], doubtful: [] };
}

/** Taken back within a day: 0; within a week: 1; later: 2. */
function ageOf(group: readonly DeploymentRow[], from: number, to: number): 0 | 1 | 2 {
  const ms = group[to]!.startedAtMs - group[from]!.startedAtMs;
  return ms <= DAY_MS ? 0 : ms <= 7 * DAY_MS ? 1 : 2;
}

/** True for an incident label that blames its deployment. */
export function blamesDeployment(incidentLabel: string): boolean {
  return incidentLabel.toLowerCase().startsWith("bad-deployment");
}

/** An incident that is linked to a deployment and began within a day of it. */
function fromIncidents(
  { deployments, incidents }: Parameters<typeof deriveLabels>[0],
  keep: Keep,
  doubtful: Set<string>,
): void {
  const started = new Map(
    [...deployments].map(({ deploymentId, startedAtMs }) => [deploymentId, startedAtMs]),
  );
  for (const incident of incidents) {
    const { deploymentId, incidentId, label, onsetAtMs } = incident;
    const startedAtMs = deploymentId === null ? undefined : started.get(deploymentId);
    if (deploymentId === null || startedAtMs === undefined) continue;
    doubtful.add(deploymentId);
    const blamed = blamesDeployment(label);
    if (!blamed && (onsetAtMs < startedAtMs || onsetAtMs > startedAtMs + DAY_MS)) continue;
    const confidence = blamed ? SURE.blamed : SURE.linked;
    const why = `incident ${incidentId}: ${label}`;
    const own = { source: "incident", confidence, why, knownAtMs: incidentKnownAt(incident) };
    keep({ deploymentId, derived: "regression", ...own });
  }
}

/** It stayed for as long as it is watched, and nothing was said against it. */
function fromQuiet(
  { incidents }: Parameters<typeof deriveLabels>[0],
  groups: ReadonlyMap<string, readonly DeploymentRow[]>,
  found: ReadonlyMap<string, DerivedLabel>,
  doubtful: ReadonlySet<string>,
  keep: Keep,
): void {
  const harmed = new Map<string, number[]>();
  let untilMs = 0;
  for (const { service, onsetAtMs } of incidents) {
    getOrMake(harmed, service, () => []).push(onsetAtMs);
    untilMs = Math.max(untilMs, onsetAtMs);
  }
  for (const group of groups.values()) untilMs = Math.max(untilMs, group.at(-1)!.startedAtMs);
  for (const group of groups.values()) {
    group.forEach(({ deploymentId, service, startedAtMs }, place) => {
      if (found.has(deploymentId) || doubtful.has(deploymentId)) return;
      const nextMs = group[place + 1]?.startedAtMs ?? untilMs;
      const watchedMs = startedAtMs + WATCH_MS;
      const isHarmed = harmed
        .get(service)
        ?.some((onsetMs) => onsetMs >= startedAtMs && onsetMs < watchedMs);
      if (nextMs < watchedMs || isHarmed === true) return;
      const why = "it was not taken back, and no incident is linked to it";
      const label = {
        derived: "benign",
        source: "no trouble",
        confidence: SURE.noTrouble,
        knownAtMs: watchedMs,
      } as const;
      keep({ deploymentId, ...label, why });
    });
  }
}
