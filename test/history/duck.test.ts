/** A database at need: what it costs nobody to let go, and what stays good. */

import { expect, it } from "vitest";
import { duckAtNeed } from "../../lab/history/duck.ts";

it("is opened again after it was let go, and connections that were out stay good", async () => {
  const duck = duckAtNeed({ threads: 1 });
  const before = await duck.connect();
  await before.run("CREATE TABLE kept AS SELECT 7 AS value");
  duck.letGo();
  const after = await duck.connect();
  const read = async (connection: typeof before, sql: string) =>
    (await connection.runAndReadAll(sql)).getRowsJson();
  expect(await read(before, "SELECT value FROM kept")).toEqual([[7]]);
  expect(await read(after, "SELECT count(*) FROM duckdb_tables()")).toEqual([["0"]]);
  before.closeSync();
  after.closeSync();
  duck.letGo();
});

it("gives a connection to whoever asked before it was let go", async () => {
  const duck = duckAtNeed({ threads: 1 });
  (await duck.connect()).closeSync();
  // Let go at every moment of the way to a connection.
  for (let turns = 0; turns < 20; turns++) {
    const asked = duck.connect();
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    duck.letGo();
    const connection = await asked;
    expect((await connection.runAndReadAll("SELECT 7")).getRowsJson()).toEqual([[7]]);
    connection.closeSync();
  }
  duck.letGo();
});
