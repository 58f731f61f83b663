/**
 * Columns of a table in memory, outside of V8's heap where they are long: rows are added one
 * after the other and read by their place.
 */

import { assert } from "../../engine/index.ts";

/** A column with more different texts than this keeps each row's own, as bytes. */
const DISTINCT_AT_MOST = 4096;

/** Place of a row's text among the distinct ones where it has none. */
const ABSENT = -1;

/** Small whole numbers; while all of them are one it takes no memory. */
export class AlikeColumn {
  #length = 0;
  #one = 0;
  #values: Int32Array | null = null;

  /** @param rows as many as will probably come */
  constructor(private readonly rows: number) {}

  add(value: number): void {
    const row = this.#length++;
    if (row === 0) this.#one = value;
    if (this.#values === null) {
      if (value === this.#one) return;
      this.#values = new Int32Array(Math.max(this.rows, row + 1)).fill(this.#one, 0, row);
    }
    this.#values = grown(this.#values, row + 1);
    this.#values[row] = value;
  }

  addAll(values: Int32Array): void {
    const one = this.#length === 0 ? (values[0] ?? 0) : this.#one;
    if (this.#values === null && values.every((value) => value === one)) {
      this.#one = one;
      this.#length += values.length;
    } else for (const value of values) this.add(value);
  }

  at(row: number): number {
    return this.#values === null ? this.#one : this.#values[row]!;
  }
}

/**
 * Texts. Names of services, kinds and versions come over and over, and each is one string
 * however many rows have it; ids do not, and lie one after the other in UTF-8.
 */
export class TextColumn {
  #length = 0;
  /** By row: which of the distinct ones. */
  #places: AlikeColumn;
  readonly #distinct: string[] = [];
  readonly #known = new Map<string, number>();
  #bytes: Buffer | null = null;
  #used = 0;
  /** By row: where its text ends in the bytes, once there are any. */
  #ends: Int32Array = new Int32Array(0);

  /** @param rows as many as will probably come */
  constructor(private readonly rows: number) {
    this.#places = new AlikeColumn(rows);
  }

  add(text: string | null): void {
    const row = this.#length++;
    if (this.#bytes !== null) {
      this.#ends = grown(this.#ends, row + 1);
      this.#ends[row] = this.#write(this.#bytes, text);
      return;
    }
    let place = text === null ? ABSENT : this.#known.get(text);
    if (place === undefined) {
      place = this.#distinct.push(text!) - 1;
      this.#known.set(text!, place);
    }
    this.#places.add(place);
    if (this.#distinct.length > DISTINCT_AT_MOST) this.#writeAll();
  }

  at(row: number): string | null {
    if (this.#bytes === null) return this.#distinct[this.#places.at(row)] ?? null;
    const end = this.#ends[row]!;
    if (end < 0) return null;
    const before = row === 0 ? 0 : this.#ends[row - 1]!;
    return this.#bytes.toString("utf8", before < 0 ? ~before : before, end);
  }

  #writeAll(): void {
    const texts = Array.from({ length: this.#length }, (_, row) => this.at(row));
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ""), 0);
    const share = this.rows > this.#length ? this.rows / this.#length : 1;
    this.#bytes = Buffer.alloc(Math.ceil(1.05 * share * bytes));
    this.#ends = new Int32Array(Math.max(this.rows, this.#length));
    texts.forEach((text, row) => (this.#ends[row] = this.#write(this.#bytes!, text)));
    this.#places = new AlikeColumn(0);
    this.#distinct.length = 0;
    this.#known.clear();
  }

  /** Where its text ends; the complement of where the last one did where there is none. */
  #write(into: Buffer, text: string | null): number {
    if (text === null) return ~this.#used;
    const end = this.#used + Buffer.byteLength(text);
    assert(end < 2 ** 31, "the texts of a column fit into 2 GB");
    let bytes = into;
    if (end > into.length) {
      bytes = Buffer.alloc(Math.ceil(1.5 * end));
      into.copy(bytes);
      this.#bytes = bytes;
    }
    bytes.write(text, this.#used);
    return (this.#used = end);
  }
}

/** Whole numbers such as times; takes no memory while no row has one. */
export class NumberColumn {
  #length = 0;
  #values: Float64Array | null = null;

  /** @param rows as many as will probably come */
  constructor(private readonly rows: number) {}

  add(value: number | null): void {
    const row = this.#length++;
    if (this.#values === null) {
      if (value === null) return;
      this.#values = new Float64Array(Math.max(this.rows, row + 1)).fill(Number.NaN, 0, row);
    }
    this.#values = grown(this.#values, row + 1);
    this.#values[row] = value ?? Number.NaN;
  }

  at(row: number): number | null {
    const value = this.#values?.[row] ?? Number.NaN;
    return Number.isNaN(value) ? null : value;
  }
}

/** Numbers one after the other, of one kind. */
export class GrowingColumn<Column extends Int32Array | Float64Array> {
  /** With room for more than there are. */
  items: Column;
  length = 0;

  constructor(kind: new (length: number) => Column) {
    this.items = new kind(FEW);
  }

  /** Makes so many more; returns where they begin. */
  add(count: number): number {
    const from = this.length;
    this.length += count;
    if (this.length > this.items.length) this.items = grown(this.items, this.length);
    return from;
  }
}

const FEW = 64;

/** Room for so many, twice as many at a time. */
function grown<Column extends Int32Array | Float64Array>(column: Column, length: number): Column {
  if (length <= column.length) return column;
  const room = 2 * length;
  const longer = column instanceof Int32Array ? new Int32Array(room) : new Float64Array(room);
  longer.set(column);
  return longer as Column;
}
