/** Where deployments stand in their table, by id. */

import type { Listed } from "./listed.ts";
import type { DeploymentRow } from "./tables.ts";

/** Finds the place of a deployment by its id. */
export interface Places {
  readonly get: (deploymentId: string) => number | undefined;
}

const EMPTY = -1;

/**
 * Four bytes and a half a deployment, where a map of them takes fifty. Made when somebody asks:
 * open addressing over the ids' hashes, half of it empty at most.
 *
 * @param idAt by place; of equal ids the last one is found
 */
function placesOf(length: number, idAt: (place: number) => string): Places {
  let slots: Int32Array | null = null;
  const slotOf = (table: Int32Array, id: string): number => {
    const mask = table.length - 1;
    let slot = hashOf(id) & mask;
    while (table[slot] !== EMPTY && idAt(table[slot]!) !== id) slot = (slot + 1) & mask;
    return slot;
  };
  const fill = (): Int32Array => {
    const table = new Int32Array(2 ** Math.ceil(Math.log2(2 * length + 1))).fill(EMPTY);
    for (let place = 0; place < length; place++) table[slotOf(table, idAt(place))] = place;
    return table;
  };
  return {
    get: (id) => {
      const table = (slots ??= fill());
      const place = table[slotOf(table, id)]!;
      return place === EMPTY ? undefined : place;
    },
  };
}

/** FNV-1a over UTF-16 units, then mixed: the low bits alone are asked for. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash ^ (hash >>> 15);
}

const KNOWN = new WeakMap<object, Places>();

/** Places of a table's rows; made once for a table. */
export function placesById(rows: Listed<Pick<DeploymentRow, "deploymentId">>): Places {
  let places = KNOWN.get(rows);
  if (places === undefined) {
    places = placesOf(rows.length, (place) => rows.at(place)!.deploymentId);
    KNOWN.set(rows, places);
  }
  return places;
}

/** By id, whose deployment it is. */
export function servicesById(
  rows: Listed<Pick<DeploymentRow, "deploymentId" | "service">>,
): (deploymentId: string) => string | undefined {
  const places = placesById(rows);
  return (id) => {
    const place = places.get(id);
    return place === undefined ? undefined : rows.at(place)!.service;
  };
}
