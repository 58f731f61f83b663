/** Columns and lists that keep no objects: they say what was put into them. */

import { expect, it } from "vitest";
import { listed } from "../../lab/history/listed.ts";
import { AlikeColumn, NumberColumn, TextColumn } from "../../lab/history/packed.ts";
import { placesById } from "../../lab/history/places.ts";

it("a column of texts has each row's own, few or many, and none where there is none", () => {
  for (const distinct of [3, 20_000]) {
    for (const rows of [1, 20_000]) {
      const column = new TextColumn(rows);
      const textOf = (row: number): string | null =>
        row % 7 === 3 ? null : row % 11 === 0 ? "" : `größe-${row % distinct}-€`;
      for (let row = 0; row < 20_000; row++) column.add(textOf(row));
      const wrong = Array.from({ length: 20_000 }, (_, row) => row).filter(
        (row) => column.at(row) !== textOf(row),
      );
      expect(wrong).toEqual([]);
    }
  }
});

it("a column of numbers has its nulls, before the first number too", () => {
  const column = new NumberColumn(2);
  const values = [null, null, null, 5, null, 1.75e12, 0];
  for (const value of values) column.add(value);
  expect(values.map((_, row) => column.at(row))).toEqual(values);
});

it("a column of numbers that are alike has those too that are not, wherever they come", () => {
  for (const values of [
    [5, 5, 5],
    [5, 5, -1],
    [5, -1, 5],
    [-1, 5, 5],
    [0, 1, 2],
  ]) {
    for (const cut of [0, 1, 2, 3]) {
      const together = new AlikeColumn(values.length);
      together.addAll(Int32Array.from(values.slice(0, cut)));
      together.addAll(Int32Array.from(values.slice(cut)));
      const singly = new AlikeColumn(cut);
      for (const value of values) singly.add(value);
      for (const column of [together, singly]) {
        expect(values.map((_, row) => column.at(row))).toEqual(values);
      }
    }
  }
});

it("a list makes what is asked for, once for whoever comes back soon", () => {
  let made = 0;
  const list = listed(5000, (place) => ({ place, made: ++made }));
  expect(list.at(7)).toBe(list.at(7));
  expect([list.at(-1), list.at(5000)]).toEqual([undefined, undefined]);
  expect(list.map(({ place }) => place)).toEqual([...list.keys()]);
  expect(list.filter(({ place }) => place % 1000 === 1).map(({ place }) => place)).toEqual([
    1, 1001, 2001, 3001, 4001,
  ]);
  expect(list.find(({ place }) => place > 4321)!.place).toBe(4322);
  expect([...list].length).toBe(5000);
});

it("an id is found at its place, and one that is not there is not", () => {
  const rows = Array.from({ length: 3000 }, (_, at) => ({ deploymentId: `service-${at}` }));
  const places = placesById(rows);
  expect(rows.every(({ deploymentId }, at) => places.get(deploymentId) === at)).toBe(true);
  expect(places.get("service-3000")).toBeUndefined();
});
