/**
 * Incidents of PagerDuty, as `GET /incidents` gives them page by page, and its change events
 * (`GET /change_events`) as deployments.
 *
 * Law: an incident blames a deployment only where PagerDuty says so, in a custom field or an
 * alert detail called `deployment_id`. A title that sounds like one is no label.
 */

import { isFields, listIn, textIn, within, type Fields } from "../../../jsonBody.ts";
import {
  needed,
  readEach,
  timeIn,
  Unusable,
  type ForeignDeployment,
  type ForeignIncident,
  type Naming,
  type Reading,
} from "./foreign.ts";

/** Every incident in the elements: incidents, or pages of them. */
export function readPagerdutyIncidents(
  elements: readonly unknown[],
  naming: Naming,
): Reading<ForeignIncident> {
  return readEach(listed(elements, "incidents"), (given) => [incidentOf(given, naming)]);
}

/** Every change event in the elements; each is a deployment of each service it names. */
export function readPagerdutyChanges(
  elements: readonly unknown[],
  naming: Naming,
): Reading<ForeignDeployment> {
  return readEach(listed(elements, "change_events"), (given) => changesOf(given, naming));
}

/** Pages opened; what is of the other kind is left to the other reader. */
function listed(elements: readonly unknown[], kind: "incidents" | "change_events"): unknown[] {
  return elements.flatMap((element) => {
    if (!isFields(element)) return kind === "incidents" ? [element] : [];
    if (Array.isArray(element[kind])) return element[kind] as unknown[];
    if (Array.isArray(element["incidents"]) || Array.isArray(element["change_events"])) return [];
    const isChange = element["type"] === "change_event" || "timestamp" in element;
    return isChange === (kind === "change_events") ? [element] : [];
  });
}

function incidentOf(given: Fields, naming: Naming): ForeignIncident {
  const id = needed(textIn(given, "id"), "id");
  const startedAtMs = needed(timeIn(given, "created_at"), "time created_at");
  const title = textIn(given, "title") ?? textIn(given, "summary") ?? id;
  if (textIn(within(given, "resolve_reason"), "type") === "merge_resolve_reason") {
    throw new Unusable(`incident ${id} was merged into another`);
  }
  const resolved = textIn(given, "status") === "resolved";
  const deploymentId = linkIn(given);
  return {
    incidentId: `pagerduty/${id}`,
    service: serviceOf(within(given, "service"), naming),
    deploymentId,
    label: deploymentId === null ? title : `bad-deployment: ${title}`,
    startedAtMs,
    resolvedAtMs:
      timeIn(given, "resolved_at") ?? (resolved ? timeIn(given, "last_status_change_at") : null),
    resolvedBy: resolved ? textIn(within(given, "last_status_change_by"), "summary") : null,
    severity: textIn(within(given, "priority"), "summary") ?? textIn(given, "urgency"),
  };
}

function linkIn(given: Fields): string | null {
  const field = listIn(given, "custom_fields").find((one) => one["name"] === "deployment_id");
  return (
    (field === undefined ? null : textIn(field, "value")) ??
    textIn(within(given, "body", "details"), "deployment_id")
  );
}

/** By its name or its id, whichever is mapped. */
function serviceOf(service: Fields, naming: Naming): string {
  const name = textIn(service, "summary") ?? textIn(service, "name") ?? textIn(service, "id");
  const id = textIn(service, "id") ?? "";
  return naming.services.get(name ?? "") ?? naming.services.get(id) ?? needed(name, "service");
}

function changesOf(given: Fields, naming: Naming): readonly ForeignDeployment[] {
  const id = needed(textIn(given, "id"), "id");
  const startedAtMs = needed(timeIn(given, "timestamp"), "time timestamp");
  const services = listIn(given, "services");
  if (services.length === 0) throw new Unusable(`change event ${id} names no service`);
  const details = within(given, "custom_details");
  return services.map((service, at) => ({
    deploymentId: `pagerduty/${id}${at === 0 ? "" : `/${at + 1}`}`,
    service: serviceOf(service, naming),
    environment: textIn(details, "environment") ?? naming.environment,
    kind: textIn(details, "kind") ?? "",
    startedAtMs,
    finishedAtMs: null,
    state: "running" as const,
    version: textIn(details, "version") ?? textIn(details, "revision"),
    author: textIn(details, "author") ?? textIn(given, "source"),
    title: textIn(given, "summary"),
  }));
}
