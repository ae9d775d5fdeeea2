/**
 * The globals of a VM guest that its engine does not bring, or brings with the host's chance and clock in it.
 *
 * @module
 */
import { decode, encode } from "../../../core/values.ts";
import { GuestAbortController, GuestAbortSignal, setAbortHost } from "./abort.ts";
import { type LogLevel, makeConsole, MAX_LOG_LINES } from "./console.ts";
import type { Scope } from "./context.ts";
import { formatLog } from "./format.ts";
import { apply, define, freeze, NativeError, NativePromise, NativeTypeError, safeMap } from "./intrinsics.ts";
import { randomBytes, randomNumbers } from "./random.ts";
import { GuestReadableStream, GuestReader } from "./readable_stream.ts";
import type { Runtime } from "./runtime.ts";
import { atob, btoa, GuestTextDecoder, GuestTextEncoder } from "./text.ts";

/** Seed of what runs while modules are evaluated: the same for every instance, because the image is. */
const MODULE_SEED = "tenure module scope 1";
const MAX_TIMER = Number.MAX_SAFE_INTEGER;
const { now: dateNow } = Date;
const { ceil } = Math;
const toNumber = Number;
const VALUE = freeze({ __proto__: null, root: "value" }) as { root: string };

/**
 * Defines them, and deletes those of the engine through which memory could be shared or had beyond its limit.
 *
 * @param origin the logical time at which the run started
 * @returns what connects them to the runtime, which is made afterwards because it uses some of them
 */
export function defineGlobals(origin: () => number | undefined): (runtime: Runtime) => void {
  let connected: Runtime | undefined;
  const runtime = (): Runtime => connected as Runtime;
  let lines = 0;
  const log = (level: LogLevel, text: string): void => {
    if (lines++ < MAX_LOG_LINES) runtime().log(level, text);
  };
  const uncaught = (error: unknown): void => log("error", formatLog(["Uncaught", error]));
  const globals: Record<string, unknown> = {
    __proto__: null as unknown,
    console: makeConsole(log),
    ...timers(runtime, uncaught),
    ...randomness(() => runtime().scope()),
    performance: freeze({
      // The logical clock, whatever the engine's own shows.
      now: () => dateNow() - (origin() ?? dateNow()),
      get timeOrigin() {
        return origin() ?? dateNow();
      },
    }),
    queueMicrotask(callback: unknown): void {
      if (typeof callback !== "function") throw new NativeTypeError("Cannot queue what is not a function");
      void later(callback as () => void, uncaught);
    },
    structuredClone(value: unknown, options?: { transfer?: { length: number } }): unknown {
      const transfer = options?.transfer;
      if (transfer !== undefined && transfer.length > 0) throw new NativeTypeError("Cannot transfer: only clone");
      return decode(encode(value, VALUE));
    },
    fetch(): Promise<never> {
      return new NativePromise((_resolve, reject) => {
        reject(new NativeTypeError("Cannot fetch: no network is granted"));
      });
    },
    AbortController: GuestAbortController,
    AbortSignal: GuestAbortSignal,
    TextEncoder: GuestTextEncoder,
    TextDecoder: GuestTextDecoder,
    ReadableStream: GuestReadableStream,
    ReadableStreamDefaultReader: GuestReader,
    atob,
    btoa,
  };
  const target = globalThis as unknown as Record<string, unknown>;
  for (const name of ["WebAssembly", "SharedArrayBuffer", "Atomics"]) delete target[name];
  for (const name of Object.keys(globals)) define(target, name, globals[name]);
  setAbortHost({ setTimeout: globals.setTimeout as (callback: () => void, ms: number) => unknown, uncaught });
  return (made) => {
    connected = made;
  };
}

async function later(callback: () => void, uncaught: (error: unknown) => void): Promise<void> {
  await undefined;
  try {
    callback();
  } catch (error) {
    uncaught(error);
  }
}

/** Timers are commands: outside of bodies they are recorded, so that a replay fires them in the same order. */
function timers(runtime: () => Runtime, uncaught: (error: unknown) => void): Record<string, unknown> {
  // By handle, because an interval is a new command each time.
  const commands = new safeMap<number, number>();
  let last = 0;
  function start(callback: unknown, delay: unknown, args: unknown[], repeat: boolean): number {
    if (typeof callback !== "function") throw new NativeTypeError("Cannot start a timer: its callback is not a function");
    const handle = ++last;
    const wish = ceil(toNumber(delay));
    const least = repeat ? 1 : 0;
    const ms = wish >= least ? (wish < MAX_TIMER ? wish : MAX_TIMER) : least;
    const arm = (): void => {
      // An attempt that was aborted is not waited for: its timers never fire.
      if (runtime().scope()?.closed !== true) commands.set(handle, runtime().timer(ms, fire));
    };
    const fire = (): void => {
      commands.delete(handle);
      try {
        if (repeat) arm();
        apply(callback as () => void, undefined, args);
      } catch (error) {
        uncaught(error);
      }
    };
    arm();
    return handle;
  }
  function clear(handle: unknown): void {
    const command = commands.get(handle as number);
    if (command === undefined) return;
    commands.delete(handle as number);
    runtime().forget(command);
  }
  return {
    setTimeout: (callback: unknown, ms?: unknown, ...args: unknown[]) => start(callback, ms, args, false),
    setInterval: (callback: unknown, ms?: unknown, ...args: unknown[]) => start(callback, ms, args, true),
    clearTimeout: (handle: unknown) => clear(handle),
    clearInterval: (handle: unknown) => clear(handle),
  };
}

interface Chance {
  readonly seed: string;
  number: (() => number) | undefined;
  byte: (() => number) | undefined;
}

const WeakMapGet = WeakMap.prototype.get;
const WeakMapSet = WeakMap.prototype.set;
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const getter = (name: PropertyKey) => Object.getOwnPropertyDescriptor(typedArray, name)?.get as () => unknown;
const tagOf = getter(Symbol.toStringTag);
const bufferOf = getter("buffer");
const offsetOf = getter("byteOffset");
const bytesOf = getter("byteLength");
const Bytes = Uint8Array;
const integers = new safeMap<unknown, true>();
for (const name of ["Int8", "Uint8", "Uint8Clamped", "Int16", "Uint16", "Int32", "Uint32", "BigInt64", "BigUint64"]) {
  integers.set(`${name}Array`, true);
}
const HEX = "0123456789abcdef";

/** `Math.random` and `crypto`: of the run's seed outside bodies, of the attempt's inside. */
function randomness(scope: () => Scope | undefined): Record<string, unknown> {
  const chances = new WeakMap<Scope, Chance>();
  const outside: Chance = { seed: MODULE_SEED, number: undefined, byte: undefined };
  function chance(): Chance {
    const owner = scope();
    if (owner === undefined) return outside;
    let found = apply(WeakMapGet, chances, [owner]) as Chance | undefined;
    if (found === undefined) {
      found = { seed: owner.seed, number: undefined, byte: undefined };
      apply(WeakMapSet, chances, [owner, found]);
    }
    return found;
  }
  function bytes(): () => number {
    const found = chance();
    return found.byte ??= randomBytes(found.seed);
  }
  define(Math, "random", () => {
    const found = chance();
    return (found.number ??= randomNumbers(found.seed))();
  });
  const crypto = {
    getRandomValues<T>(array: T): T {
      // The getter answers with undefined for what is no typed array.
      if (!integers.has(apply(tagOf, array as never, []))) {
        throw named("TypeMismatchError", "Cannot fill the value: it is not an array of integers");
      }
      const length = apply(bytesOf, array as never, []) as number;
      if (length > 65_536) throw named("QuotaExceededError", "Cannot fill more than 65,536 bytes at once");
      const view = new Bytes(
        apply(bufferOf, array as never, []) as ArrayBuffer,
        apply(offsetOf, array as never, []) as number,
        length,
      );
      const next = bytes();
      for (let i = 0; i < length; i++) view[i] = next();
      return array;
    },
    randomUUID(): string {
      const next = bytes();
      let text = "";
      for (let i = 0; i < 16; i++) {
        const byte = next();
        const value = i === 6 ? (byte & 15) | 64 : i === 8 ? (byte & 63) | 128 : byte;
        if (i === 4 || i === 6 || i === 8 || i === 10) text += "-";
        text += (HEX[value >> 4] as string) + (HEX[value & 15] as string);
      }
      return text;
    },
  };
  return { crypto: freeze(crypto) };
}

function named(name: string, message: string): Error {
  const error = new NativeError(message);
  error.name = name;
  return error;
}
