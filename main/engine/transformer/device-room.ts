/** What has activations on the device that are nowhere else. */
export interface Resident {
  /** Takes them to host memory. Throws ClaqError as SpillFile does. */
  moveOut(): void;
}

/**
 * Memory of a device of its own where the activations of segments may stay between the steps of a run, instead of going to host
 * memory and coming back at each: none, unless somebody asks for it. What they are does not depend on where they are.
 */
export class DeviceRoom {
  readonly bytes: number;
  #taken = 0;
  #closed = false;
  readonly #residents = new Set<Resident>();
  readonly #onCleared: (() => void) | undefined;

  /** @param onCleared called when everything has had to leave */
  constructor(bytes = 0, onCleared?: () => void) {
    this.bytes = bytes;
    this.#onCleared = onCleared;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Takes bytes if they are still there; otherwise false, and nothing is taken. */
  take(bytes: number): boolean {
    if (this.#closed || this.#taken + bytes > this.bytes) return false;
    this.#taken += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes;
  }

  settle(resident: Resident): void {
    this.#residents.add(resident);
  }

  leave(resident: Resident): void {
    this.#residents.delete(resident);
  }

  /**
   * Moves everything out, for good: what the device's memory is short of comes first. False where nothing stayed. Throws what
   * moving out throws.
   */
  clear(): boolean {
    this.#closed = true;
    if (this.#residents.size === 0) return false;
    for (const resident of [...this.#residents]) resident.moveOut();
    this.#onCleared?.();
    return true;
  }
}
