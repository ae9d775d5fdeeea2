/**
 * Machines under a memory budget: idle ones are used again, what exceeds the budget waits, tenants in turn.
 *
 * A quarter of the budget is kept for tenants that use less than a quarter: whoever fills the rest with runs that take
 * long does not keep others waiting until one of them ends.
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

/** For whom a VM is taken. */
export interface Taker {
  readonly tenant: string;
  /** How many pages its memory may have. */
  readonly pages: number;
  readonly signal: AbortSignal;
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
  /** Who uses it. */
  tenant: string | undefined;
}

const INITIAL_BYTES = INITIAL_PAGES * PAGE_BYTES;
/** Below so many VMs nothing is kept back: there would be too few for anybody. */
const FEW = 8;

/** The VMs of one adapter. */
export class VmPool {
  readonly #options: VmPoolOptions;
  readonly #places = new Map<Vm, Place>();
  readonly #idle: Vm[] = [];
  /** By tenant, in turn. */
  readonly #waiting = new Map<string, Waiter[]>();
  /** Bytes in use by tenant. */
  readonly #held = new Map<string, number>();
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
  take({ tenant, pages, signal }: Taker): Vm | Promise<Vm> {
    signal.throwIfAborted();
    if (this.#closed) throw closed();
    const taken = this.#waiting.has(tenant) ? undefined : this.#tryTake(tenant, pages);
    if (taken instanceof Promise) return this.#unlessAborted(taken, signal);
    return taken ?? this.#unlessAborted(this.#wait(tenant, { pages, signal }), signal);
  }

  /** Takes back a VM that is healthy. */
  give(vm: Vm): void {
    const place = this.#places.get(vm);
    if (place === undefined) return;
    const bytes = vm.machine.memory.buffer.byteLength;
    vm.sources = undefined;
    // Memory never shrinks, and what has grown would be wiped at length each time.
    if (this.#closed || bytes > INITIAL_BYTES || !this.#options.isSound(vm)) return this.discard(vm);
    this.#hold(place, undefined);
    this.#idle.push(vm);
    this.#serve();
  }

  /** Forgets a VM. It is never disposed: after a fault its engine's own cleaning up can abort. */
  discard(vm: Vm): void {
    const place = this.#places.get(vm);
    if (place === undefined) return;
    this.#hold(place, undefined);
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
    const { tenant } = place;
    this.#hold(place, undefined);
    this.#usedBytes += bytes - place.bytes;
    place.bytes = bytes;
    this.#hold(place, tenant);
  }

  /** Frees the idle ones and turns away who waits; those in use are freed when they come back. */
  close(): void {
    this.#closed = true;
    for (const vm of this.#idle.splice(0)) this.discard(vm);
    const waiting = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    for (const { reject } of waiting) reject(closed());
  }

  #tryTake(tenant: string, pages: number): Vm | Promise<Vm> | undefined {
    const idle = this.#idle.length * INITIAL_BYTES;
    if (!this.#hasRoom(this.#usedBytes - idle, this.#shareOf(tenant))) return undefined;
    const at = this.#idle.findLastIndex((vm) => this.#places.get(vm)?.pages === pages);
    if (at >= 0) {
      const [vm] = this.#idle.splice(at, 1) as [Vm];
      this.#hold(this.#places.get(vm) as Place, tenant);
      return vm;
    }
    // What remains idle cannot serve: it gives way.
    const { budgetBytes } = this.#options;
    while (!this.#hasRoom(this.#usedBytes, budgetBytes) && this.#idle.length > 0) this.#forget(this.#idle.shift() as Vm);
    return this.#make(tenant, pages);
  }

  /** One VM is always allowed, else a small budget would wait for ever. */
  #hasRoom(used: number, budget: number): boolean {
    return used === 0 || used + INITIAL_BYTES <= budget;
  }

  /** How much may be in use when the tenant takes another one. */
  #shareOf(tenant: string): number {
    const { budgetBytes } = this.#options;
    const quarter = budgetBytes / 4;
    return budgetBytes < FEW * INITIAL_BYTES || (this.#held.get(tenant) ?? 0) < quarter ? budgetBytes : budgetBytes - quarter;
  }

  #hold(place: Place, tenant: string | undefined): void {
    if (place.tenant !== undefined) this.#count(place.tenant, -place.bytes);
    place.tenant = tenant;
    if (tenant !== undefined) this.#count(tenant, place.bytes);
  }

  #count(tenant: string, bytes: number): void {
    const held = (this.#held.get(tenant) ?? 0) + bytes;
    if (held === 0) this.#held.delete(tenant);
    else this.#held.set(tenant, held);
  }

  async #make(tenant: string, pages: number): Promise<Vm> {
    this.#usedBytes += INITIAL_BYTES;
    this.#count(tenant, INITIAL_BYTES);
    const before = this.#making;
    let made = (): void => {};
    this.#making = new Promise((done) => made = done);
    try {
      await before;
      const vm = await this.#options.make(pages);
      this.#places.set(vm, { pages, bytes: INITIAL_BYTES, tenant });
      return vm;
    } catch (error) {
      this.#usedBytes -= INITIAL_BYTES;
      this.#count(tenant, -INITIAL_BYTES);
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

  #wait(tenant: string, { pages, signal }: Pick<Waiter, "pages" | "signal">): Promise<Vm> {
    if (!this.#heard.has(signal)) {
      this.#heard.add(signal);
      signal.addEventListener("abort", () => this.#turnAway(signal), { once: true });
    }
    return new Promise((resolve, reject) => {
      const waiter = { pages, signal, resolve, reject };
      const others = this.#waiting.get(tenant);
      if (others === undefined) this.#waiting.set(tenant, [waiter]);
      else others.push(waiter);
    });
  }

  #turnAway(signal: AbortSignal): void {
    for (const [tenant, waiters] of [...this.#waiting]) {
      const stay = waiters.filter((waiter) => waiter.signal !== signal);
      if (stay.length > 0) this.#waiting.set(tenant, stay);
      else this.#waiting.delete(tenant);
      for (const waiter of waiters) if (waiter.signal === signal) waiter.reject(signal.reason);
    }
  }

  #serve(): void {
    // whoever has more waiting goes to the end, and is met there again
    for (const [tenant, waiters] of this.#waiting) {
      const vm = this.#tryTake(tenant, (waiters[0] as Waiter).pages);
      if (vm === undefined) continue;
      this.#waiting.delete(tenant);
      const first = waiters.shift();
      if (waiters.length > 0) this.#waiting.set(tenant, waiters);
      first?.resolve(vm);
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
