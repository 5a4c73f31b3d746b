/** Results that were asked for last: a screen asks for the same again when it is opened again. */
export class Recent<Value> {
  readonly #most: number;
  /** The one that was asked for last at the end. */
  readonly #values = new Map<string, Promise<Value>>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The value of this name, made where it is not there. Who asks while it is made waits for the same. */
  async of(name: string, make: () => Promise<Value>): Promise<Value> {
    const value = this.#values.get(name) ?? make();
    this.#values.delete(name);
    this.#values.set(name, value);
    for (const oldest of [...this.#values.keys()].slice(0, -this.#most)) this.#values.delete(oldest);
    try {
      return await value;
    } catch (error) {
      // The next who asks tries again.
      if (this.#values.get(name) === value) this.#values.delete(name);
      throw error;
    }
  }
}
