/**
 * Machines under a memory budget: idle ones are used again, what exceeds the budget waits, first come first served.
 *
 * The budget counts the bytes that the machines' memories really have. A guest that grows after it was opened may
 * exceed it by what it grew; then nothing is opened until enough is free again.
 *
 * @module
 */
import { TenureError } from "../../../core/errors.ts";
import type { Layout } from "./layout.ts";
import { INITIAL_PAGES, PAGE_BYTES } from "./machine.ts";
import type { Vm } from "./vm.ts";
import { warm } from "./warm.ts";

/** How a pool is made. */
export interface VmPoolOptions {
  /** Makes a VM whose memory may have so many pages. */
  readonly make: (maximumPages: number) => Promise<Vm>;
  /** Whether a VM that is given back can be reset. */
  readonly isSound: (vm: Vm) => boolean;
  readonly budgetBytes: number;
}

interface Waiter {
  readonly pages: number;
  readonly signal: AbortSignal;
  readonly resolve: (vm: Vm | Promise<Vm>) => void;
  readonly reject: (error: unknown) => void;
}

interface Place {
  readonly pages: number;
  bytes: number;
}

const INITIAL_BYTES = INITIAL_PAGES * PAGE_BYTES;

/** The VMs of one adapter. */
export class VmPool {
  readonly #options: VmPoolOptions;
  readonly #places = new Map<Vm, Place>();
  readonly #idle: Vm[] = [];
  #waiting: Waiter[] = [];
  /** Signals that somebody waited with. One listener for each: a signal looks through all it has before it takes another. */
  readonly #heard = new WeakSet<AbortSignal>();
  /** Resolves when the VM that is being made is made: one at a time, else the first of many runs waits for the last one's. */
  #making: Promise<void> = Promise.resolve();
  #usedBytes = 0;
  #last: Vm | undefined;
  #warmth = 0;
  #closed = false;

  /** Makes an empty one. */
  constructor(options: VmPoolOptions) {
    this.#options = options;
  }

  /** A VM in whatever state its last guest left it; at once when there is one. */
  take(pages: number, signal: AbortSignal): Vm | Promise<Vm> {
    signal.throwIfAborted();
    if (this.#closed) throw closed();
    const taken = this.#waiting.length === 0 ? this.#tryTake(pages) : undefined;
    if (taken instanceof Promise) return this.#unlessAborted(taken, signal);
    return taken ?? this.#unlessAborted(this.#wait(pages, signal), signal);
  }

  /** Takes back a VM that is healthy. */
  give(vm: Vm): void {
    const place = this.#places.get(vm);
    if (place === undefined) return;
    const bytes = vm.machine.memory.buffer.byteLength;
    vm.sources = undefined;
    // Memory never shrinks, and what has grown would be wiped at length each time.
    if (this.#closed || bytes > INITIAL_BYTES || !this.#options.isSound(vm)) return this.discard(vm);
    this.#idle.push(vm);
    this.#serve();
  }

  /** Forgets a VM. It is never disposed: after a fault its engine's own cleaning up can abort. */
  discard(vm: Vm): void {
    const place = this.#places.get(vm);
    if (place === undefined) return;
    this.#places.delete(vm);
    this.#usedBytes -= place.bytes;
    this.#serve();
  }

  /** A VM is about to run: what others that ran since have driven out of the CPU's caches is brought back. */
  runs(vm: Vm, layout: Layout): void {
    if (this.#last !== vm) this.#warmth = warm(vm.machine, layout);
    this.#last = vm;
  }

  /** Counts what a VM that is in use has grown to. */
  measure(vm: Vm): void {
    const place = this.#places.get(vm);
    if (place === undefined) return;
    const bytes = vm.machine.memory.buffer.byteLength;
    this.#usedBytes += bytes - place.bytes;
    place.bytes = bytes;
  }

  /** Frees the idle ones and turns away who waits; those in use are freed when they come back. */
  close(): void {
    this.#closed = true;
    for (const vm of this.#idle.splice(0)) this.discard(vm);
    for (const { reject } of this.#waiting.splice(0)) reject(closed());
  }

  #tryTake(pages: number): Vm | Promise<Vm> | undefined {
    const at = this.#idle.findLastIndex((vm) => this.#places.get(vm)?.pages === pages);
    if (at >= 0) return this.#idle.splice(at, 1)[0];
    // What remains idle cannot serve: it gives way.
    while (!this.#hasRoom() && this.#idle.length > 0) this.#forget(this.#idle.shift() as Vm);
    return this.#hasRoom() ? this.#make(pages) : undefined;
  }

  /** One VM is always allowed, else a small budget would wait for ever. */
  #hasRoom(): boolean {
    return this.#usedBytes === 0 || this.#usedBytes + INITIAL_BYTES <= this.#options.budgetBytes;
  }

  async #make(pages: number): Promise<Vm> {
    this.#usedBytes += INITIAL_BYTES;
    const before = this.#making;
    let made = (): void => {};
    this.#making = new Promise((done) => made = done);
    try {
      await before;
      const vm = await this.#options.make(pages);
      this.#places.set(vm, { pages, bytes: INITIAL_BYTES });
      return vm;
    } catch (error) {
      this.#usedBytes -= INITIAL_BYTES;
      this.#serve();
      throw error;
    } finally {
      made();
    }
  }

  #forget(vm: Vm): void {
    this.#usedBytes -= this.#places.get(vm)?.bytes ?? 0;
    this.#places.delete(vm);
  }

  #wait(pages: number, signal: AbortSignal): Promise<Vm> {
    if (!this.#heard.has(signal)) {
      this.#heard.add(signal);
      signal.addEventListener("abort", () => this.#turnAway(signal), { once: true });
    }
    return new Promise((resolve, reject) => void this.#waiting.push({ pages, signal, resolve, reject }));
  }

  #turnAway(signal: AbortSignal): void {
    const away = this.#waiting.filter((waiter) => waiter.signal === signal);
    this.#waiting = this.#waiting.filter((waiter) => waiter.signal !== signal);
    for (const { reject } of away) reject(signal.reason);
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      const vm = this.#tryTake((this.#waiting[0] as Waiter).pages);
      if (vm === undefined) return;
      this.#waiting.shift()?.resolve(vm);
    }
  }

  /** Who no longer waits must not keep what was made for it. */
  async #unlessAborted(taking: Promise<Vm>, signal: AbortSignal): Promise<Vm> {
    const vm = await taking;
    if (!signal.aborted && !this.#closed) return vm;
    this.give(vm);
    throw signal.aborted ? signal.reason : closed();
  }
}

function closed(): TenureError {
  return new TenureError("closed", "Cannot open a guest: the sandbox is closed");
}
