/** Packed data comes back bit for bit, and who was one stays one. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pack, unpack } from "../../lab/scale/graph.ts";

const leaf = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.string(),
  fc.boolean(),
  fc.constantFrom(null, undefined, -0, NaN, Infinity),
  fc.array(fc.double(), { maxLength: 5 }).map((numbers) => Float64Array.from(numbers)),
);
const KEYS = fc.constantFrom("a", "b", "reason", "é", "");
const tree = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("node"), { maxLength: 4 }),
    fc.dictionary(KEYS, tie("node"), { noNullPrototype: true }),
  ),
})).node;

describe("packed data", () => {
  it("comes back as it was, keys in their order", () => {
    fc.assert(
      fc.property(tree, (value) => {
        const back = unpack(pack(value));
        expect(back).toStrictEqual(value);
        expect(JSON.stringify(back)).toBe(JSON.stringify(value));
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it("keeps who is one and who is two", () => {
    const evidence = { verdict: "healthy", limit: -0 };
    const shared = [evidence];
    const value = { one: [shared, shared, [evidence]], none: [[], []] };
    const back = unpack(pack(value)) as typeof value;
    expect(back.one[0]).toBe(back.one[1]);
    expect(back.one[2]).not.toBe(back.one[0]);
    expect(back.one[2]![0]).toBe(back.one[0]![0]);
    expect(back.none[0]).not.toBe(back.none[1]);
  });

  it("refuses what would not come back, and bytes that are cut off", () => {
    expect(() => pack({ when: new Date(0) })).toThrow(/only plain objects/);
    expect(() => pack([() => 1])).toThrow(/a function cannot be packed/);
    const bytes = pack({ list: [1, 2.5, "three"] });
    for (const length of [0, 1, bytes.length >> 1, bytes.length - 1]) {
      expect(() => unpack(bytes.subarray(0, length))).toThrow();
    }
  });
});
