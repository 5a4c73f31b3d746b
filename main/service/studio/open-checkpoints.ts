import type { Checkpoint } from '../../engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../engine/checkpoint/open-checkpoint.ts';

/** Opening takes milliseconds for each shard: too long for every step of a zoom. */
const KEPT_MS = 30_000;
/** Two models side by side. */
const MOST_OPEN = 2;

interface Opened {
  readonly checkpoint: Promise<Checkpoint>;
  /** What the files were when it was opened. */
  readonly filesKey: string;
  /** Reading at the moment. */
  readers: number;
  timer: NodeJS.Timeout | undefined;
}

/** Checkpoints that stay open for a short while after they were read. */
export class OpenCheckpoints {
  /** By folder, the one that was read last at the end. */
  readonly #opened = new Map<string, Opened>();

  /** Reads from a model's folder. Throws what opening and the reading throw. */
  async read<T>(folder: string, filesKey: string, work: (checkpoint: Checkpoint) => Promise<T>): Promise<T> {
    const opened = this.#take(folder, filesKey);
    clearTimeout(opened.timer);
    opened.readers += 1;
    try {
      return await work(await opened.checkpoint);
    } finally {
      opened.readers -= 1;
      if (this.#opened.get(folder) !== opened) await closeUnread(opened);
      else if (opened.readers === 0) {
        opened.timer = setTimeout(() => void this.forget(folder), KEPT_MS).unref();
      }
    }
  }

  /** Closes it, as soon as nobody reads it. */
  async forget(folder: string): Promise<void> {
    const opened = this.#opened.get(folder);
    if (opened === undefined) return;
    this.#opened.delete(folder);
    clearTimeout(opened.timer);
    await closeUnread(opened);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened.keys()].map((folder) => this.forget(folder)));
  }

  #take(folder: string, filesKey: string): Opened {
    const known = this.#opened.get(folder);
    if (known !== undefined && known.filesKey === filesKey) {
      this.#opened.delete(folder);
      this.#opened.set(folder, known);
      return known;
    }
    void this.forget(folder);
    const opened: Opened = { checkpoint: openCheckpoint(folder), filesKey, readers: 0, timer: undefined };
    // One that cannot be opened is tried anew by the next who asks.
    opened.checkpoint.catch(() => {
      if (this.#opened.get(folder) === opened) this.#opened.delete(folder);
    });
    this.#opened.set(folder, opened);
    const oldest = [...this.#opened.keys()].slice(0, -MOST_OPEN);
    for (const each of oldest) void this.forget(each);
    return opened;
  }
}

async function closeUnread({ checkpoint, readers }: Opened): Promise<void> {
  if (readers > 0) return;
  // One that could not be opened has nothing to close.
  const opened = await checkpoint.catch(() => undefined);
  await opened?.close();
}
