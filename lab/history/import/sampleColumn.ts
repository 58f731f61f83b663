/** The samples of one series while they are imported. */

import { AnswerKind } from "../../../engine/index.ts";

/** The samples of one series as they come, and what is left after duplicates. */
export class SampleColumn {
  #length = 0;
  #atMs = new Float64Array(4096);
  #values = new Float64Array(4096);
  #ordinals = new Float64Array(4096);
  /** `AnswerKind`s, where the source tells them. */
  #answers = new Float64Array(4096);

  push(atMs: number, value: number, ordinal: number, answer: number): void {
    if (this.#length === this.#atMs.length) {
      this.#atMs = doubled(this.#atMs);
      this.#values = doubled(this.#values);
      this.#ordinals = doubled(this.#ordinals);
      this.#answers = doubled(this.#answers);
    }
    this.#atMs[this.#length] = atMs;
    this.#values[this.#length] = Number.isFinite(value) ? value : NaN;
    this.#answers[this.#length] = answer;
    this.#ordinals[this.#length++] = ordinal;
  }

  clear(): void {
    this.#length = 0;
  }

  /** Merges equal samples of one time and drops those that contradict each other. */
  settle(): {
    atMs: Float64Array;
    values: Float64Array;
    answers: Uint8Array;
    missing: number;
    merged: number;
    conflicts: number;
    mergedRows: number[];
    conflictRows: number[];
  } {
    const [atMs, values, ordinals] = [this.#atMs, this.#values, this.#ordinals];
    const answers = this.#answers;
    const mergedRows: number[] = [];
    const conflictRows: number[] = [];
    let [kept, missing, merged, conflicts] = [0, 0, 0, 0];
    let end = 0;
    while (end < this.#length) {
      const first = end;
      let value = NaN;
      let contradicts = false;
      for (; end < this.#length && atMs[end] === atMs[first]; end++) {
        // A missing scrape says nothing, so it cannot contradict a number.
        if (Number.isNaN(values[end]!)) continue;
        if (Number.isNaN(value)) value = values[end]!;
        else if (values[end] !== value) contradicts = true;
      }
      if (contradicts) {
        conflicts += end - first;
        for (let i = first; i < end && conflictRows.length < 3; i++)
          conflictRows.push(ordinals[i]!);
        continue;
      }
      merged += end - first - 1;
      if (end - first > 1 && mergedRows.length < 3) mergedRows.push(ordinals[first + 1]!);
      if (Number.isNaN(value)) missing++;
      answers[kept] = Number.isNaN(value) ? answers[first]! : AnswerKind.value;
      atMs[kept] = atMs[first]!;
      values[kept++] = value;
    }
    return {
      atMs: atMs.subarray(0, kept),
      values: values.subarray(0, kept),
      answers: Uint8Array.from(answers.subarray(0, kept)),
      missing,
      merged,
      conflicts,
      mergedRows,
      conflictRows,
    };
  }
}

function doubled(array: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}
