/** The truth as tables: labels, incidents and tags that agree with each other. */

import { describe, expect, it } from "vitest";
import {
  deploymentsBetween,
  harmOf,
  metricCatalog,
  METRICS,
  NO_INTERVENTIONS,
  truthTables,
} from "../../datasets/world/index.ts";
import type { DecisionRow } from "../../lab/history/tables.ts";
import { quarter, small } from "./worlds.ts";

const MINUTE_MS = 60_000;
const world = quarter();
const deployments = deploymentsBetween(world, null, world.startMs, world.endMs);
const tables = truthTables(world, [], NO_INTERVENTIONS);

describe("truthTables", () => {
  it("has one label a deployment, from the world itself", () => {
    expect(tables.labels).toHaveLength(deployments.length);
    expect(new Set(tables.labels.map(({ basis }) => basis))).toEqual(new Set(["generated-truth"]));
    expect(tables.deployments.map(({ deploymentId }) => deploymentId)).toEqual(
      deployments.map(({ deploymentId }) => deploymentId),
    );
  });

  it("has one incident a regression, with its exact onset and natural end", () => {
    const bad = deployments.filter(({ label }) => label === "regression");
    const caused = tables.incidents.filter(({ deploymentId }) => deploymentId !== null);
    expect(caused).toHaveLength(bad.length);
    for (const one of bad) {
      const incident = caused.find(({ deploymentId }) => deploymentId === one.deploymentId)!;
      expect(incident.onsetAtMs).toBe(one.onsetAtMs);
      expect(incident.resolvedAtMs).toBe(one.naturalEndAtMs);
      expect(incident.label).toBe(`bad-deployment:${one.cause}`);
    }
    expect(tables.incidents.some(({ label }) => label === "unrelated:regional_shock")).toBe(true);
    expect(tables.incidents.some(({ label }) => label === "unrelated:incident")).toBe(true);
  });

  it("ends an incident with the rollback that helped, and notes who noticed when", () => {
    const one = deployments.find(
      (each) =>
        each.label === "regression" &&
        each.reversible &&
        each.naturalEndAtMs! - each.onsetAtMs! > 50 * MINUTE_MS,
    )!;
    const done = one.onsetAtMs! + 5 * MINUTE_MS;
    const proposed: DecisionRow = {
      deploymentId: one.deploymentId,
      atMs: one.onsetAtMs! + 2 * MINUTE_MS,
      what: "proposed",
      by: null,
      justification: null,
      confidence: 0.9,
    };
    const acted = truthTables(world, [proposed], (id) => (id === one.deploymentId ? done : null));
    const incident = acted.incidents.find(({ deploymentId }) => deploymentId === one.deploymentId)!;
    expect(incident.resolvedAtMs).toBe(done + one.recoveryMs);
    expect(incident.resolvedBy).toBe("rollback");
    expect(incident.detectedAtMs).toBe(proposed.atMs);
    expect(acted.decisions).toEqual([proposed]);
  });

  it("has no harm where a rollback came before it, and all of it where it cannot help", () => {
    const one = deployments.find(({ cause, reversible }) => cause === "delayed" && reversible)!;
    expect(harmOf(one, one.startedAtMs - 30 * MINUTE_MS)).toBeNull();
    expect(harmOf(one, null)?.resolvedAtMs).toBe(one.naturalEndAtMs);
    expect(harmOf({ ...one, reversible: false }, one.onsetAtMs)?.resolvedBy).toBe("fix");
    expect(
      harmOf(
        deployments.find(({ label }) => label === "benign")!,
        null,
      ),
    ).toBeNull();
  });

  it("is the same twice and does not mind the order of decisions", () => {
    const made = small();
    const ids = deploymentsBetween(made, null, made.startMs, made.endMs).slice(0, 20);
    const decisions = ids.map(({ deploymentId, startedAtMs }): DecisionRow => {
      const base = { by: null, justification: null, confidence: null };
      return { deploymentId, atMs: startedAtMs, what: "paged", ...base };
    });
    const forwards = truthTables(made, decisions, NO_INTERVENTIONS);
    const backwards = truthTables(small(), [...decisions].reverse(), NO_INTERVENTIONS);
    expect(backwards).toEqual(forwards);
  });

  it("catalogues every metric of a service", () => {
    expect(metricCatalog(world).map(({ metric }) => metric)).toEqual([...METRICS].sort());
    expect(tables.services).toHaveLength(40);
  });
});
