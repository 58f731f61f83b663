/**
 * Memory that samples are read into, over and over. A fresh buffer for every read counts as
 * pressure on the whole heap: what a gigabyte of samples cost most was the collector that
 * went after it. Whoever lends this says when all that was read into it is done with.
 */

/** Some times what is read at once, so that little is left over; see plainPart.ts. */
const SLAB_BYTES = 4_194_304;
/** Any column may begin here. */
const ALIGNED_BYTES = 8;

export class ReadMemory {
  readonly #slabs: ArrayBuffer[] = [];
  #slab = 0;
  #at = 0;

  /** So many bytes that nobody else has, until `reset`. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    if (bytes > SLAB_BYTES) return new Uint8Array(bytes);
    if (this.#at + bytes > SLAB_BYTES) {
      this.#slab++;
      this.#at = 0;
    }
    const slab = (this.#slabs[this.#slab] ??= new ArrayBuffer(SLAB_BYTES));
    const taken = new Uint8Array(slab, this.#at, bytes);
    this.#at += Math.ceil(bytes / ALIGNED_BYTES) * ALIGNED_BYTES;
    return taken;
  }

  /** Everything that was taken may be written over. */
  reset(): void {
    this.#slab = 0;
    this.#at = 0;
  }
}
