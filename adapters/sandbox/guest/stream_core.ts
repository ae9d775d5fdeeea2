/**
 * The insides of a stream: what was enqueued, who waits for it, and when its source is asked for more.
 *
 * @module
 */

/** What a source of chunks is told by. */
export interface Controller {
  /** How many chunks more are wanted; `null` of a stream that failed. */
  readonly desiredSize: number | null;
  enqueue(chunk: unknown): void;
  close(): void;
  error(reason?: unknown): void;
}

/** Where chunks come from. */
export interface Source {
  readonly start?: (controller: Controller) => unknown;
  readonly pull?: (controller: Controller) => unknown;
  readonly cancel?: (reason: unknown) => unknown;
  readonly type?: unknown;
}

/** How many chunks are wanted ahead. */
export interface Strategy {
  readonly highWaterMark?: number;
  readonly size?: (chunk: unknown) => number;
}

/** What a read gives. */
export type ReadResult = { readonly value: unknown; readonly done: boolean };

/** A promise that somebody else settles. */
export interface Settling<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** Makes one. */
export function settling<T>(): Settling<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function end(): ReadResult {
  return { value: undefined, done: true };
}

/** A stream's insides, which its reader shares with it. */
export class StreamCore {
  /** Where it stands. */
  state: "readable" | "closed" | "errored" = "readable";
  /** Why it failed. */
  reason: unknown = undefined;
  /** Who has locked it. */
  reader: { ended(): void } | undefined = undefined;
  /** Reads that wait for a chunk. */
  reads: Settling<ReadResult>[] = [];
  /** Chunks from `first` on, with their sizes. */
  readonly #chunks: { readonly chunk: unknown; readonly size: number }[] = [];
  #first = 0;
  #held = 0;
  #started = false;
  #closing = false;
  #pulling = false;
  #again = false;
  #source: Source | undefined;
  readonly #highWaterMark: number;
  readonly #size: ((chunk: unknown) => number) | undefined;
  readonly #control: Controller;

  /** Begins to ask the source. */
  constructor(source: Source, { highWaterMark = 1, size }: Strategy) {
    const mark = Number(highWaterMark);
    if (!(mark >= 0)) throw new RangeError("Cannot make a stream: its highWaterMark is no number from 0 on");
    this.#source = source;
    this.#highWaterMark = mark;
    this.#size = size;
    this.#control = this.#controller();
    void this.#begin(source.start?.(this.#control));
  }

  get #waiting(): number {
    return this.#chunks.length - this.#first;
  }

  get #desired(): number | null {
    if (this.state === "errored") return null;
    return this.state === "closed" ? 0 : this.#highWaterMark - this.#held;
  }

  #controller(): Controller {
    const desired = (): number | null => this.#desired;
    return {
      get desiredSize() {
        return desired();
      },
      enqueue: (chunk) => {
        this.#open("enqueue into");
        if (this.reads.length > 0) this.reads.shift()?.resolve({ value: chunk, done: false });
        else this.#keep(chunk);
        void this.#pull();
      },
      close: () => {
        this.#open("close");
        this.#closing = true;
        if (this.#waiting === 0) this.#close();
      },
      error: (reason) => this.fail(reason),
    };
  }

  #open(what: string): void {
    if (this.state !== "readable" || this.#closing) throw new TypeError(`Cannot ${what} the stream: it is closed`);
  }

  #keep(chunk: unknown): void {
    let size: number;
    try {
      size = Number(this.#size === undefined ? 1 : this.#size.call(undefined, chunk));
      if (!(size >= 0 && size < Infinity)) throw new RangeError("Cannot enqueue the chunk: its size is no number from 0 on");
    } catch (error) {
      this.fail(error);
      throw error;
    }
    this.#chunks.push({ chunk, size });
    this.#held += size;
  }

  async #begin(began: unknown): Promise<void> {
    try {
      await began;
    } catch (error) {
      return this.fail(error);
    }
    this.#started = true;
    await this.#pull();
  }

  #wants(): boolean {
    if (!this.#started || this.#closing || this.state !== "readable") return false;
    return this.reads.length > 0 || (this.#desired ?? 0) > 0;
  }

  async #pull(): Promise<void> {
    if (!this.#wants()) return;
    if (this.#pulling) return void (this.#again = true);
    this.#pulling = true;
    do {
      this.#again = false;
      try {
        await this.#source?.pull?.(this.#control);
      } catch (error) {
        return this.fail(error);
      }
    } while (this.#again && this.#wants());
    this.#pulling = false;
  }

  #close(): void {
    this.state = "closed";
    this.#source = undefined;
    for (const read of this.reads.splice(0)) read.resolve(end());
    this.reader?.ended();
  }

  /** It gives an error from now on. */
  fail(reason: unknown): void {
    if (this.state !== "readable") return;
    this.state = "errored";
    this.reason = reason;
    this.#drop();
    this.#source = undefined;
    for (const read of this.reads.splice(0)) read.reject(reason);
    this.reader?.ended();
  }

  #drop(): void {
    this.#chunks.length = 0;
    this.#first = 0;
    this.#held = 0;
  }

  /** The next chunk. */
  read(): Promise<ReadResult> {
    const read = settling<ReadResult>();
    if (this.state === "errored") read.reject(this.reason);
    else if (this.state === "closed") read.resolve(end());
    else if (this.#waiting > 0) {
      const { chunk, size } = this.#chunks[this.#first] as { chunk: unknown; size: number };
      this.#chunks[this.#first++] = { chunk: undefined, size: 0 };
      if (this.#first > 64 && this.#first * 2 > this.#chunks.length) this.#first -= this.#chunks.splice(0, this.#first).length;
      this.#held = this.#waiting === 0 ? 0 : this.#held - size;
      read.resolve({ value: chunk, done: false });
      if (this.#closing && this.#waiting === 0) this.#close();
      else void this.#pull();
    } else {
      this.reads.push(read);
      void this.#pull();
    }
    return read.promise;
  }

  /** Nobody wants more. */
  async cancel(reason: unknown): Promise<void> {
    if (this.state === "errored") throw this.reason;
    if (this.state === "closed") return;
    const source = this.#source;
    this.#drop();
    this.#close();
    await source?.cancel?.(reason);
  }
}
