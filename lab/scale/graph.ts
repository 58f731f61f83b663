/**
 * Turns plain data (objects, lists, strings, numbers, columns of doubles) into bytes and back.
 * Objects of the same shape are stored by column, so that thousands of similar judgements take
 * little room and are read quickly.
 *
 * Laws: every number comes back bit for bit (NaN and -0 too), keys in their order. Identity is
 * kept: one object referenced twice comes back as one object, two equal objects as two, because
 * callers use objects as keys of maps.
 */

import { deflateRawSync, inflateRawSync } from "node:zlib";
import { assert, jsonObject } from "../../engine/index.ts";

/** The type of a slot. Its payload is a number, or an index into the table of that type. */
const TAG = {
  null: 0,
  undefined: 1,
  false: 2,
  true: 3,
  number: 4,
  string: 5,
  list: 6,
  doubles: 7,
  /** 8 and above: an object; the tag minus 8 is the index of its shape. */
  object: 8,
} as const;

/** Describes a column of slots. A tag or payload that is the same in all slots is stored once. */
interface ColumnHead {
  readonly tag: number | null;
  readonly payload: "same" | "double" | "place";
}

interface Head {
  readonly strings: readonly string[];
  readonly shapes: readonly {
    readonly keys: readonly string[];
    readonly rows: number;
    readonly columns: readonly ColumnHead[];
  }[];
  readonly lists: { readonly count: number; readonly slots: number; readonly column: ColumnHead };
  readonly doubles: readonly number[];
}

class Column {
  #tags = new Uint16Array(64);
  #payloads = new Float64Array(64);
  length = 0;

  push(tag: number, payload: number): void {
    if (this.length === this.#tags.length) {
      const [tags, payloads] = [this.#tags, this.#payloads];
      this.#tags = new Uint16Array(2 * this.length);
      this.#tags.set(tags);
      this.#payloads = new Float64Array(2 * this.length);
      this.#payloads.set(payloads);
    }
    this.#tags[this.length] = tag;
    this.#payloads[this.length++] = payload;
  }

  head(): ColumnHead {
    const tags = this.#tags.subarray(0, this.length);
    const payloads = this.#payloads.subarray(0, this.length);
    const [tag = 0] = tags;
    const isOneTag = tags.every((one) => one === tag);
    const isSame = payloads.every((one) => Object.is(one, payloads[0]));
    const isDouble = tags.includes(TAG.number);
    return { tag: isOneTag ? tag : null, payload: isSame ? "same" : isDouble ? "double" : "place" };
  }

  write({ tag, payload }: ColumnHead, parts: Uint8Array[]): void {
    const payloads = this.#payloads.subarray(0, this.length);
    if (tag === null) parts.push(bytesOf(this.#tags.slice(0, this.length)));
    if (payload === "place") parts.push(bytesOf(Uint32Array.from(payloads)));
    else parts.push(bytesOf(payload === "same" ? payloads.slice(0, 1) : payloads.slice()));
  }
}

/** @throws Error for anything that is not plain data, because it could not be restored */
export function pack(root: unknown): Buffer {
  const strings = new Map<string, number>();
  const shapes: { keys: readonly string[]; columns: Column[]; rows: number }[] = [];
  const shapeOf = new Map<string, number>();
  const places = new Map<object, readonly [tag: number, place: number]>();
  const lists = new Column();
  const lengths: number[] = [];
  const doubles: Float64Array[] = [];
  let last = -1;

  const findShape = (keys: readonly string[]): number => {
    const known = shapes[last];
    if (known?.keys.length === keys.length && keys.every((key, i) => key === known.keys[i])) {
      return last;
    }
    const name = JSON.stringify(keys);
    let shape = shapeOf.get(name);
    if (shape === undefined) {
      shape = shapes.push({ keys, columns: keys.map(() => new Column()), rows: 0 }) - 1;
      shapeOf.set(name, shape);
    }
    return (last = shape);
  };
  const slotOf = (value: unknown): readonly [tag: number, payload: number] => {
    switch (typeof value) {
      case "number":
        return [TAG.number, value];
      case "string": {
        let place = strings.get(value);
        if (place === undefined) strings.set(value, (place = strings.size));
        return [TAG.string, place];
      }
      case "boolean":
        return [value ? TAG.true : TAG.false, 0];
      case "undefined":
        return [TAG.undefined, 0];
      case "object":
        return value === null ? [TAG.null, 0] : placeOf(value);
      case "bigint":
      case "symbol":
      case "function":
        throw new Error(`a ${typeof value} cannot be packed`);
    }
  };
  const placeOf = (value: object): readonly [tag: number, place: number] => {
    const known = places.get(value);
    if (known !== undefined) return known;
    let slot: readonly [number, number];
    if (value instanceof Float64Array) slot = [TAG.doubles, doubles.push(value) - 1];
    else if (Array.isArray(value)) {
      // Convert all elements first, so that the slots of one list are adjacent.
      const slots = (value as unknown[]).map(slotOf);
      for (const [tag, payload] of slots) lists.push(tag, payload);
      slot = [TAG.list, lengths.push(slots.length) - 1];
    } else {
      const proto: unknown = Object.getPrototypeOf(value);
      assert(proto === Object.prototype || proto === null, "only plain objects are packed");
      const slots = Object.values(value).map(slotOf);
      const shape = findShape(Object.keys(value));
      const { columns } = shapes[shape]!;
      slots.forEach(([tag, payload], i) => columns[i]!.push(tag, payload));
      slot = [TAG.object + shape, shapes[shape]!.rows++];
    }
    places.set(value, slot);
    return slot;
  };

  placeOf([root]);
  const parts: Uint8Array[] = [];
  const headed = (column: Column): ColumnHead => {
    const head = column.head();
    column.write(head, parts);
    return head;
  };
  const head: Head = {
    strings: [...strings.keys()],
    shapes: shapes.map(({ keys, rows, columns }) => ({ keys, rows, columns: columns.map(headed) })),
    lists: { count: lengths.length, slots: lists.length, column: headed(lists) },
    doubles: doubles.map(({ length }) => length),
  };
  parts.push(bytesOf(Uint32Array.from(lengths)), ...doubles.map(bytesOf));
  const words = Buffer.from(JSON.stringify(head));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(words.length);
  return deflateRawSync(Buffer.concat([size, words, ...parts]), { level: 1 });
}

function bytesOf(numbers: Uint16Array | Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** The slots of a column as read; one tag or payload may stand for all. */
interface Slots {
  readonly tag: number | null;
  readonly tags: Uint16Array;
  readonly same: boolean;
  readonly payloads: Uint32Array | Float64Array;
}

/** @throws Error for bytes that `pack` did not make */
export function unpack(bytes: Uint8Array): unknown {
  const buffer = inflateRawSync(bytes);
  const wordsEnd = 4 + buffer.readUInt32LE(0);
  const head = JSON.parse(buffer.toString("utf8", 4, wordsEnd)) as Head;
  let at = wordsEnd;
  const take = (size: number): ArrayBuffer => {
    assert(at + size <= buffer.length, "packed data is whole");
    // A copy, because typed arrays need an aligned buffer.
    const copy = new Uint8Array(size);
    copy.set(buffer.subarray(at, (at += size)));
    return copy.buffer;
  };
  const slotsOf = ({ tag, payload }: ColumnHead, rows: number): Slots => {
    const tags = new Uint16Array(take(tag === null ? 2 * rows : 0));
    const same = payload === "same";
    const payloads =
      payload === "place"
        ? new Uint32Array(take(4 * rows))
        : new Float64Array(take(same ? (rows === 0 ? 0 : 8) : 8 * rows));
    return { tag, tags, same, payloads };
  };
  const { strings } = head;
  const columns = head.shapes.map((shape) => shape.columns.map((one) => slotsOf(one, shape.rows)));
  const listSlots = slotsOf(head.lists.column, head.lists.slots);
  const lengths = new Uint32Array(take(4 * head.lists.count));
  const doubles = head.doubles.map((length) => new Float64Array(take(8 * length)));
  const lists = Array.from(lengths, (length) => new Array<unknown>(length));
  const objects = head.shapes.map(({ keys, rows }) => {
    // Copy an object that has all keys: adding keys one by one costs twice as much.
    const empty = jsonObject(keys.map((key): [string, unknown] => [key, null]));
    return Array.from({ length: rows }, () => ({ ...empty }));
  });

  const valueOf = (tag: number, payload: number): unknown => {
    switch (tag) {
      case TAG.null:
        return null;
      case TAG.undefined:
        return undefined;
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.number:
        return payload;
      case TAG.string:
        return strings[payload];
      case TAG.list:
        return lists[payload];
      case TAG.doubles:
        return doubles[payload];
      default:
        return objects[tag - TAG.object]![payload];
    }
  };
  const fill = ({ tag, tags, same, payloads }: Slots, rows: number, put: Put): void => {
    if (tag !== null && same) {
      const value = valueOf(tag, payloads[0] ?? 0);
      for (let row = 0; row < rows; row++) put(row, value);
      return;
    }
    for (let row = 0; row < rows; row++) {
      put(row, valueOf(tag ?? tags[row]!, same ? payloads[0]! : payloads[row]!));
    }
  };
  head.shapes.forEach(({ keys, rows }, shape) => {
    const made = objects[shape]!;
    keys.forEach((key, i) => {
      fill(columns[shape]![i]!, rows, (row, value) => (made[row]![key] = value));
    });
  });
  const flat = new Array<unknown>(head.lists.slots);
  fill(listSlots, head.lists.slots, (slot, value) => (flat[slot] = value));
  let slot = 0;
  for (const list of lists) for (let i = 0; i < list.length; i++) list[i] = flat[slot++];
  return lists.at(-1)![0];
}

type Put = (row: number, value: unknown) => void;
