/**
 * Streams as results of steps, on the guest's side: written piece by piece within the attempt, read on demand.
 *
 * A VM has the `ReadableStream` of readable_stream.ts, any other guest its runtime's.
 *
 * @module
 */
import { fatalError } from "../../../core/step_config.ts";
import { MAX_CHUNK_BYTES, PIECE_BYTES } from "../../../core/stream.ts";
import { base64Length, fromBase64, toBase64 } from "../../../core/values/base64.ts";
import { apply, descriptorOf, hasInstance, NativeError } from "./intrinsics.ts";

/** Stops what a stream comes from. */
export type Stop = (reason: unknown) => void;

/** What the runtime does with streams. */
export interface Streams {
  /** Whether a value is a stream. */
  is(value: unknown): value is ReadableStream;
  /**
   * Sends what a stream gives, and resolves when it is stored. Throws what the stream fails with; what cannot be
   * stored, now or ever, is answered instead.
   *
   * @param send sends a piece (its number, and its base64), and resolves when it is durable
   * @param stoppable is given what stops the source before the end
   */
  store(stream: ReadableStream, send: (n: number, base64: string) => Promise<unknown>, stoppable: (stop: Stop) => void): Promise<{ readonly refusal: unknown } | undefined>;
  /** A stream of stored pieces. `read` resolves with the base64 of one. */
  load(pieces: number, read: (n: number) => Promise<unknown>): ReadableStream;
}

interface Controller {
  enqueue(chunk: unknown): void;
  close(): void;
}

const Bytes = Uint8Array;
const isView = ArrayBuffer.isView;
const { min } = Math;
const views = Object.getPrototypeOf(Uint8Array.prototype) as object;
const getterOf = (prototype: object, name: string) => descriptorOf(prototype, name)?.get as () => unknown;
const OF_ARRAY = ["buffer", "byteOffset", "byteLength"].map((name) => getterOf(views, name));
const OF_DATA = ["buffer", "byteOffset", "byteLength"].map((name) => getterOf(DataView.prototype, name));
const tagOf = descriptorOf(views, Symbol.toStringTag)?.get as () => unknown;
const setBytes = Uint8Array.prototype.set;
const NONE: Streams = { is: (_value): _value is ReadableStream => false, store: () => Promise.resolve(undefined), load: () => undefined as never };

let taken: { readonly from: typeof ReadableStream; readonly streams: Streams } | undefined;

/** Takes the `ReadableStream` that the guest has, before a tenant's code can change it; once in a realm, of many guests too. */
export function takeStreams(): Streams {
  const Stream = globalThis.ReadableStream as typeof ReadableStream | undefined;
  if (Stream === undefined) return NONE;
  if (taken?.from !== Stream) taken = { from: Stream, streams: streamsOf(Stream) };
  return taken.streams;
}

function streamsOf(Stream: typeof ReadableStream): Streams {
  const lockedOf = getterOf(Stream.prototype, "locked");
  const { getReader } = Stream.prototype;
  const Reader = Object.getPrototypeOf(new Stream().getReader()) as ReadableStreamDefaultReader;
  const { read, cancel } = Reader;

  async function store(stream: ReadableStream, send: (n: number, base64: string) => Promise<unknown>, stoppable: (stop: Stop) => void): Promise<{ refusal: unknown } | undefined> {
    if (apply(lockedOf, stream as never, []) === true) return { refusal: fatalError("Cannot store the result: the stream is locked") };
    const reader = apply(getReader, stream as never, [] as never) as ReadableStreamDefaultReader;
    const stop = (reason: unknown): void => void quietly(() => apply(cancel, reader as never, [reason] as never) as Promise<void>);
    stoppable(stop);
    const piece = new Bytes(PIECE_BYTES);
    let filled = 0, n = 0;
    for (;;) {
      const { done, value } = await apply(read, reader as never, [] as never) as { done: boolean; value: unknown };
      if (done) break;
      const no = refusalOf(value);
      if (no !== undefined) {
        stop(no);
        return { refusal: no };
      }
      const bytes = bytesOf(value as ArrayBufferView);
      for (let at = 0; at < bytes.length;) {
        const taken = min(PIECE_BYTES - filled, bytes.length - at);
        apply(setBytes, piece, [part(bytes, at, taken), filled]);
        filled += taken;
        at += taken;
        if (filled < PIECE_BYTES) continue;
        const refused = await sent(send, n++, toBase64(piece, filled));
        if (refused !== undefined) {
          stop(refused.refusal);
          return refused;
        }
        filled = 0;
      }
    }
    return filled > 0 ? await sent(send, n, toBase64(piece, filled)) : undefined;
  }

  return {
    is: (value): value is ReadableStream =>
      typeof value === "object" && value !== null && apply(hasInstance, Stream, [value]) as boolean && isBranded(lockedOf, value),
    store,
    load(pieces, read) {
      let n = 0;
      const source = {
        __proto__: null,
        start(controller: Controller) {
          if (pieces === 0) controller.close();
        },
        async pull(controller: Controller) {
          const bytes = decoded(await read(n));
          n++;
          controller.enqueue(bytes);
          if (n === pieces) controller.close();
        },
      };
      // nothing is read before somebody asks for it
      return new Stream(source as unknown as UnderlyingDefaultSource, { highWaterMark: 0 });
    },
  };
}

async function quietly(what: () => Promise<unknown>): Promise<void> {
  try {
    await what();
  } catch {
    // What a source says of being stopped is nobody's.
  }
}

async function sent(send: (n: number, base64: string) => Promise<unknown>, n: number, base64: string): Promise<{ refusal: unknown } | undefined> {
  try {
    await send(n, base64);
    return undefined;
  } catch (error) {
    return { refusal: error };
  }
}

function isBranded(check: () => unknown, value: object): boolean {
  try {
    apply(check, value as never, []);
    return true;
  } catch {
    return false;
  }
}

function refusalOf(chunk: unknown): Error | undefined {
  if (!isView(chunk)) {
    const what = typeof chunk === "object" ? "an object" : `a ${typeof chunk}`;
    return fatalError(`Cannot store the result: a chunk of the stream is ${what}, not bytes`);
  }
  const length = field(chunk, 2) as number;
  return length > MAX_CHUNK_BYTES
    ? fatalError(`Cannot store the result: a chunk of the stream has ${length} bytes, more than the limit of ${MAX_CHUNK_BYTES}`)
    : undefined;
}

/** Buffer (0), offset (1) or length (2) of a view, whatever it says about itself. */
function field(view: ArrayBufferView, n: number): unknown {
  const fields = apply(tagOf, view as never, []) === undefined ? OF_DATA : OF_ARRAY;
  return apply(fields[n] as () => unknown, view as never, []);
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Bytes(field(view, 0) as ArrayBuffer, field(view, 1) as number, field(view, 2) as number);
}

function part(bytes: Uint8Array, at: number, length: number): Uint8Array {
  return new Bytes(bytes.buffer, bytes.byteOffset + at, length);
}

function decoded(base64: unknown): Uint8Array {
  const length = typeof base64 === "string" ? base64Length(base64) : undefined;
  if (length === undefined) throw new NativeError("Cannot read the stream: a piece of it is damaged");
  const bytes = new Bytes(length);
  if (!fromBase64(base64 as string, bytes, length)) throw new NativeError("Cannot read the stream: a piece of it is damaged");
  return bytes;
}
