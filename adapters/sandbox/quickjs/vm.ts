/**
 * A VM: QuickJS in a machine, entered in one way only.
 *
 * Guarantees that whatever a tenant's code does, entering returns: with what the code sent, or with a death. Three
 * things can go wrong, and each of them is final for the guest: a latch was set (time, messages, an error in one of our
 * callbacks), memory was refused, or anything at all was thrown through WebAssembly. After that nothing but dropping
 * may follow. What native code of the engine does in a loop of its own cannot be interrupted here: that takes metering.
 *
 * Trusts the WebAssembly sandbox of the host and nothing in the machine's memory: a text that comes out of it may be
 * anything, an address that comes out of it is only ever given back to the machine.
 *
 * @module
 */
import type { Death } from "../../../core/ports/guest.ts";
import { cpuDeath, deathOf, memoryDeath, messageDeath } from "./deaths.ts";
import { type Callbacks, EVAL, type Pointer } from "./ffi.ts";
import type { Machine } from "./machine.ts";
import type { ModuleSources } from "./sources.ts";

/** Addresses that are the same in every machine of a build, because all start from one image. */
export interface Handles {
  readonly runtime: Pointer;
  readonly context: Pointer;
  /** The value `undefined`. */
  readonly nothing: Pointer;
  /** Room for one argument's address, and for one context's. */
  readonly slot: Pointer;
  /** Room for a short text. */
  readonly scratch: Pointer;
  /** Functions of the prelude and of boot.ts. */
  readonly deliver: Pointer;
  readonly main: Pointer;
  readonly classes: Pointer;
  readonly describe: Pointer;
}

/** What holds while a VM is entered once. */
export interface Entry {
  /** What the clock shows, ms; `null`: the real time. */
  readonly time: number | null;
  readonly cpuMs: number;
  /** Texts that may be sent, and their UTF-8 bytes. */
  readonly messages: number;
  readonly messageBytes: number;
}

/** What entering gave. */
export interface Entered<T> {
  /** What the work returned; `undefined` when it did not end. */
  readonly value: T | undefined;
  readonly out: readonly string[];
  readonly death: Death | undefined;
}

/** Size of `Handles.scratch`. */
export const SCRATCH_BYTES = 4_096;

/** Jobs between two looks at the clock: a queue that feeds itself never polls the interrupt handler by much. */
const JOBS_AT_ONCE = 256;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** One VM. It starts without a machine, because a machine is made with the callbacks of its VM. */
export class Vm {
  /** Set once, right after making. */
  machine!: Machine;
  /** Set once, right after making. */
  handles!: Handles;
  /** What `import` finds. */
  sources: ModuleSources | undefined;
  /** Given to the machine's maker. */
  readonly callbacks: Callbacks;
  #entry: Entry = { time: 0, cpuMs: 0, messages: 0, messageBytes: 0 };
  #deadline = 0;
  #out: string[] = [];
  #bytesLeft = 0;
  #death: Death | undefined;

  /** Makes one. */
  constructor() {
    // No exception may leave a callback: it would unwind C frames that know nothing of it, and emscripten would print it.
    this.callbacks = {
      callFunction: (_, context, _self, argc, argv) => this.#guarded(() => this.#receive(context, argc, argv)),
      shouldInterrupt: () => this.#guarded(() => this.#isOver()) as 0 | 1,
      loadModuleSource: (_, _runtime, _context, name) =>
        this.#guarded(() => this.write(this.sources?.source(name) ?? "")),
      normalizeModule: (_, _runtime, _context, base, name) =>
        this.#guarded(() => this.write(this.sources?.resolve(name, base) ?? name)),
      freeHostRef: () => undefined,
    };
  }

  /** The one way in. Never throws; a death is final. */
  enter<T>(entry: Entry, work: () => T): Entered<T> {
    const out: string[] = [];
    this.#entry = entry;
    this.#out = out;
    this.#bytesLeft = entry.messageBytes;
    this.#death = undefined;
    this.machine.time = entry.time;
    this.#deadline = performance.now() + entry.cpuMs;
    let value: T | undefined;
    try {
      value = work();
    } catch (error) {
      this.#death ??= deathOf(error);
    }
    // After a refused allocation any error may follow; this is where they all come from.
    if (this.machine.outOfMemory) this.#death = memoryDeath();
    return { value, out, death: this.#death };
  }

  /** Calls a function of the guest with one text. An exception of it is a death: the functions of ours never throw. */
  callWithText(callee: Pointer, text: string): void {
    const { machine: { ffi, free }, handles: { context, scratch } } = this;
    const short = text.length * 3 < SCRATCH_BYTES;
    const at = short ? this.#writeShort(text) : this.write(text);
    const value = this.#allocated(ffi.QTS_NewString(context, at));
    const result = this.call(callee, value);
    ffi.QTS_FreeValuePointer(context, result);
    ffi.QTS_FreeValuePointer(context, value);
    if (at !== scratch) free(at);
  }

  /** Calls a function of the guest with at most one argument and gives its result, owned. */
  call(callee: Pointer, argument?: Pointer): Pointer {
    const { machine, handles: { context, slot, nothing } } = this;
    if (argument !== undefined) new DataView(machine.memory.buffer).setUint32(slot, argument, true);
    const argc = argument === undefined ? 0 : 1;
    const result = this.#allocated(machine.ffi.QTS_Call(context, callee, nothing, argc, slot));
    if (this.takeError(result) !== 0) throw new Error("a function that never throws threw");
    return result;
  }

  /** Runs promise jobs until there are none, or until a latch is set. */
  pump(): void {
    const { machine: { ffi }, handles: { runtime, slot } } = this;
    while (ffi.QTS_IsJobPending(runtime) !== 0) {
      // A job's error is its own: what it leaves is a rejection that nobody heard.
      ffi.QTS_FreeValuePointerRuntime(runtime, this.#allocated(ffi.QTS_ExecutePendingJob(runtime, JOBS_AT_ONCE, slot)));
      if (this.#isOver() !== 0) return;
    }
  }

  /** Evaluates code and gives its result, owned: perhaps an exception, to be taken with `takeError`. */
  evaluate(code: string, { file, module = false }: { readonly file: string; readonly module?: boolean }): Pointer {
    const { machine: { ffi, free }, handles: { context } } = this;
    const bytes = encoder.encode(code);
    const at = this.#writeBytes(bytes);
    const result = ffi.QTS_Eval(context, at, bytes.length, file, 0, module ? EVAL.module : EVAL.script);
    free(at);
    return this.#allocated(result);
  }

  /** The error when a result is an exception, owned; else 0. */
  takeError(result: Pointer): Pointer {
    return this.machine.ffi.QTS_ResolveException(this.handles.context, result);
  }

  /** A value as text. */
  text(value: Pointer): string {
    const { machine: { ffi }, handles: { context } } = this;
    const at = ffi.QTS_GetString(context, value);
    if (at === 0) throw new Error("a value without text");
    const text = decoder.decode(this.#textBytes(at));
    ffi.QTS_FreeCString(context, at);
    return text;
  }

  /** Writes a text into the machine, owned. */
  write(text: string): Pointer {
    return this.#writeBytes(encoder.encode(text));
  }

  #writeShort(text: string): Pointer {
    const { scratch } = this.handles;
    const bytes = this.machine.bytes();
    const { written } = encoder.encodeInto(text, bytes.subarray(scratch, scratch + SCRATCH_BYTES - 1));
    bytes[scratch + written] = 0;
    return this.#noNul(scratch, written);
  }

  #writeBytes(encoded: Uint8Array): Pointer {
    const at = this.#allocated(this.machine.malloc(encoded.length + 1));
    const bytes = this.machine.bytes();
    bytes.set(encoded, at);
    bytes[at + encoded.length] = 0;
    return this.#noNul(at, encoded.length);
  }

  /** C would end the text at its first NUL, and the guest would get half a value. */
  #noNul(at: Pointer, length: number): Pointer {
    if (this.machine.bytes().indexOf(0, at) !== at + length) throw new Error("a text with NUL");
    return at;
  }

  #textBytes(at: Pointer): Uint8Array {
    const bytes = this.machine.bytes();
    const end = bytes.indexOf(0, at);
    return bytes.subarray(at, end < 0 ? bytes.length : end);
  }

  #receive(context: Pointer, argc: number, argv: Pointer): 0 {
    if (argc === 0 || this.#death !== undefined) return 0;
    const { ffi } = this.machine;
    const at = ffi.QTS_GetString(context, argv);
    if (at === 0) throw new Error("a value without text");
    const bytes = this.#textBytes(at);
    this.#bytesLeft -= bytes.length;
    if (this.#bytesLeft < 0 || this.#out.length >= this.#entry.messages) this.#death = messageDeath();
    else this.#out.push(decoder.decode(bytes));
    ffi.QTS_FreeCString(context, at);
    return 0;
  }

  #isOver(): 0 | 1 {
    if (this.#death === undefined && performance.now() >= this.#deadline) this.#death = cpuDeath(this.#entry.cpuMs);
    return this.#death === undefined ? 0 : 1;
  }

  #guarded(work: () => Pointer): Pointer {
    try {
      return work();
    } catch (error) {
      // The guest runs on until its next look at the interrupt handler, and is over there.
      this.#death ??= deathOf(error);
      return 0;
    }
  }

  #allocated(pointer: Pointer): Pointer {
    if (pointer !== 0) return pointer;
    this.machine.outOfMemory = true;
    throw new Error("no memory");
  }
}
