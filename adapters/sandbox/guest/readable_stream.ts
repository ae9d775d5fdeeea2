/**
 * `ReadableStream` for VMs that have none: streams of any chunks, with backpressure, readers, iteration, `tee` and
 * `from`.
 *
 * Not there: byte streams (`type: "bytes"`, BYOB readers), `pipeTo` and `pipeThrough` (there are no writable streams to
 * pipe to), classes of queuing strategies (any object with `highWaterMark` and `size` is one).
 *
 * @module
 */

import { type Controller, type ReadResult, type Settling, settling, type Source, StreamCore, type Strategy } from "./stream_core.ts";

async function resolveWith(settling: Settling<void>, done: Promise<void>): Promise<void> {
  try {
    settling.resolve(await done);
  } catch (error) {
    settling.reject(error);
  }
}

let coreOf: (stream: GuestReadableStream) => StreamCore;

/** `ReadableStream`. */
export class GuestReadableStream {
  readonly #core: StreamCore;

  static {
    coreOf = (stream) => stream.#core;
  }

  /** Makes one. */
  constructor(source: Source = {}, strategy: Strategy = {}) {
    if (typeof source !== "object" || source === null) throw new TypeError("Cannot make a stream: its source is no object");
    if (source.type !== undefined) throw new TypeError(`Cannot make a stream of the type "${source.type}": only those of any chunks are supported`);
    this.#core = new StreamCore(source, strategy ?? {});
  }

  /** A stream of what an iterable gives. */
  static from(iterable: AsyncIterable<unknown> | Iterable<unknown>): GuestReadableStream {
    const given = iterable as { [Symbol.asyncIterator]?: unknown; [Symbol.iterator]?: unknown };
    const make = given?.[Symbol.asyncIterator] ?? given?.[Symbol.iterator];
    if (typeof make !== "function") throw new TypeError("Cannot make a stream: what is given is not iterable");
    const iterator = make.call(given) as AsyncIterator<unknown>;
    return new GuestReadableStream({
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done === true) controller.close();
        // of an iterable that is not asynchronous
        else controller.enqueue(await value);
      },
      async cancel(reason) {
        await iterator.return?.(reason);
      },
    }, { highWaterMark: 0 });
  }

  /** Whether it has a reader. */
  get locked(): boolean {
    return this.#core.reader !== undefined;
  }

  /** A reader, which locks it. */
  getReader(options?: { readonly mode?: unknown }): GuestReader {
    if (options?.mode !== undefined) throw new TypeError(`Cannot make a reader of the mode "${options.mode}": only readers of whole chunks are supported`);
    return new GuestReader(this);
  }

  /** Says that nobody wants more. */
  async cancel(reason?: unknown): Promise<void> {
    if (this.locked) throw new TypeError("Cannot cancel the stream: it is locked");
    await this.#core.cancel(reason);
  }

  /** Two streams of the same chunks. */
  tee(): [GuestReadableStream, GuestReadableStream] {
    const reader = this.getReader();
    const controllers: Controller[] = [];
    const gone = settling<void>();
    const reasons: unknown[] = [];
    const cancelled = [false, false];
    let reading = false;
    const pull = async (): Promise<void> => {
      if (reading) return;
      reading = true;
      try {
        const { done, value } = await reader.read();
        reading = false;
        controllers.forEach((controller, n) => {
          if (cancelled[n]) return;
          if (done) controller.close();
          else controller.enqueue(value);
        });
        if (done) gone.resolve();
      } catch (error) {
        for (const controller of controllers) controller.error(error);
        gone.resolve();
      }
    };
    const branch = (n: number): GuestReadableStream =>
      new GuestReadableStream({
        start: (controller) => void (controllers[n] = controller),
        pull,
        cancel(reason) {
          cancelled[n] = true;
          reasons[n] = reason;
          if (cancelled[0] && cancelled[1]) void resolveWith(gone, reader.cancel(reasons));
          return gone.promise;
        },
      }, { highWaterMark: 0 });
    return [branch(0), branch(1)];
  }

  /** Its chunks, one after another. Whoever leaves early cancels it. */
  values({ preventCancel = false }: { readonly preventCancel?: boolean } = {}): AsyncIterableIterator<unknown> {
    const reader = this.getReader();
    let over = false;
    const leave = (): void => {
      over = true;
      reader.releaseLock();
    };
    return {
      async next() {
        if (over) return { value: undefined, done: true };
        try {
          const read = await reader.read();
          if (read.done) leave();
          return read as IteratorResult<unknown>;
        } catch (error) {
          leave();
          throw error;
        }
      },
      async return(value) {
        if (!over) {
          const cancelled = preventCancel ? undefined : reader.cancel(value);
          leave();
          await cancelled;
        }
        return { value, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** {@linkcode GuestReadableStream.values} */
  [Symbol.asyncIterator](options?: { readonly preventCancel?: boolean }): AsyncIterableIterator<unknown> {
    return this.values(options);
  }

  get [Symbol.toStringTag](): string {
    return "ReadableStream";
  }
}

/** `ReadableStreamDefaultReader`. */
export class GuestReader {
  #core: StreamCore | undefined;
  #closed: Settling<undefined> | undefined;

  /** Locks a stream. */
  constructor(stream: GuestReadableStream) {
    const core = coreOf(stream);
    if (core.reader !== undefined) throw new TypeError("Cannot read the stream: it is locked");
    core.reader = this;
    this.#core = core;
  }

  /** Resolves when the stream is closed, rejects when it fails or is released. */
  get closed(): Promise<undefined> {
    // made when it is asked for: nobody else would hear its rejection
    if (this.#closed === undefined) {
      this.#closed = settling();
      if (this.#core === undefined) this.#closed.reject(released());
      else this.ended();
    }
    return this.#closed.promise;
  }

  /** The next chunk. */
  async read(): Promise<ReadResult> {
    if (this.#core === undefined) throw released();
    return await this.#core.read();
  }

  /** Says that nobody wants more. */
  async cancel(reason?: unknown): Promise<void> {
    if (this.#core === undefined) throw released();
    await this.#core.cancel(reason);
  }

  /** Lets the stream go to another reader. */
  releaseLock(): void {
    const core = this.#core;
    if (core === undefined) return;
    for (const read of core.reads.splice(0)) read.reject(released());
    core.reader = undefined;
    this.#core = undefined;
    this.#closed?.reject(released());
  }

  /** Tells whoever waits for the end. */
  ended(): void {
    const core = this.#core;
    if (core?.state === "closed") this.#closed?.resolve(undefined);
    else if (core?.state === "errored") this.#closed?.reject(core.reason);
  }
}

function released(): TypeError {
  return new TypeError("Cannot read the stream: its reader was released");
}
