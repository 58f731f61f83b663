/** Columns of numbers as an Arrow IPC stream. */

import { own, type JsonObject } from "../../engine/index.ts";
import {
  Field,
  Float64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
} from "apache-arrow";

/** @param columns equally long */
export function arrowStream(
  columns: JsonObject<Float64Array>,
  metadata: JsonObject<string> = {},
): Uint8Array {
  const names = Object.keys(columns);
  const type = new Float64();
  const fields = names.map((name) => new Field(name, type, false));
  const length = own(columns, names[0]!)!.length;
  const children = names.map((name) => makeData({ type, length, data: own(columns, name)! }));
  const schema = new Schema(fields, new Map(Object.entries(metadata)));
  const data = makeData({ type: new Struct(fields), length, nullCount: 0, children });
  return tableToIPC(new Table(schema, [new RecordBatch(schema, data)]), "stream");
}
