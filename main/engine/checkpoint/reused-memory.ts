/**
 * Memory for what is read or decoded again and again: with a new array each time, most of the time would go to clearing and collecting
 * them. It grows to the largest that was asked for.
 */
export class ReusedMemory {
  #bytes = new Uint8Array();

  /** Whatever stood there before; what was taken earlier is overwritten. */
  take(length: number): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    return this.#bytes.subarray(0, length);
  }
}
