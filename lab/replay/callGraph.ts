/** Which service calls which, by the service catalog. */

import type { ServiceRow } from "../history/tables.ts";

export interface CallGraph {
  /** The services that call this one directly. */
  readonly callers: (service: string) => readonly string[];
  /** Those that call it directly or through others, by name. */
  readonly dependants: (service: string) => readonly string[];
  /** Those that it calls directly or through others, by name. */
  readonly dependencies: (service: string) => readonly string[];
}

export function callGraph(rows: readonly ServiceRow[]): CallGraph {
  const callers = new Map<string, string[]>();
  const called = new Map(rows.map(({ service, dependsOn }) => [service, dependsOn]));
  for (const { service, dependsOn } of rows) {
    for (const target of dependsOn) {
      const list = callers.get(target);
      if (list === undefined) callers.set(target, [service]);
      else list.push(service);
    }
  }
  const callersOf = (service: string): readonly string[] => callers.get(service) ?? NOBODY;
  return {
    callers: callersOf,
    dependants: once((service) => reached(service, callersOf)),
    dependencies: once((service) => reached(service, (name) => called.get(name) ?? NOBODY)),
  };
}

const NOBODY: readonly string[] = [];

/** The function with its answers kept: one list serves all deployments of a service. */
function once(of: (service: string) => readonly string[]): typeof of {
  const known = new Map<string, readonly string[]>();
  return (service) => {
    let list = known.get(service);
    if (list === undefined) known.set(service, (list = of(service)));
    return list;
  };
}

/** All services that can be reached from one by `next`, without itself, sorted by name. */
function reached(service: string, next: (service: string) => readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const queue = [...next(service)];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (name === service || seen.has(name)) continue;
    seen.add(name);
    queue.push(...next(name));
  }
  return [...seen].sort();
}
