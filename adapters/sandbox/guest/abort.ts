/**
 * `AbortController` and `AbortSignal` for VMs that have none, as far as a workflow needs them: no `EventTarget`
 * beneath, and events of one type.
 *
 * @module
 */

/** What an abort listener is called with. */
export interface AbortEvent {
  readonly type: "abort";
  readonly target: GuestAbortSignal;
}

type Listener = ((event: AbortEvent) => void) | { handleEvent(event: AbortEvent): void } | null;

/** What the classes need of the VM. */
export interface AbortHost {
  /** Runs a callback later. */
  setTimeout(callback: () => void, ms: number): unknown;
  /** Told of what a listener threw. */
  uncaught(error: unknown): void;
}

let host: AbortHost = { setTimeout() {}, uncaught() {} };
let make: () => GuestAbortSignal;
let fire: (signal: GuestAbortSignal, reason: unknown) => void;

/** Connects the classes to their VM. */
export function setAbortHost(given: AbortHost): void {
  host = given;
}

/** `AbortSignal`. */
export class GuestAbortSignal {
  #aborted = false;
  #reason: unknown = undefined;
  #listeners: { listener: Listener; once: boolean }[] = [];
  /** Called first. */
  onabort: ((event: AbortEvent) => void) | null = null;

  static {
    make = () => new GuestAbortSignal(key);
    fire = (signal, reason) => signal.#fire(reason);
  }

  /** Not for anybody. */
  constructor(given?: unknown) {
    if (given !== key) throw new TypeError("Illegal constructor");
  }

  /** A signal that has aborted. */
  static abort(reason?: unknown): GuestAbortSignal {
    const signal = make();
    fire(signal, reason);
    return signal;
  }

  /** A signal that aborts after some time. */
  static timeout(ms: number): GuestAbortSignal {
    const signal = make();
    host.setTimeout(() => fire(signal, named("TimeoutError", "The operation timed out")), ms);
    return signal;
  }

  /** A signal that aborts with the first of some. */
  static any(signals: Iterable<GuestAbortSignal>): GuestAbortSignal {
    const signal = make();
    for (const other of signals) {
      if (other.aborted) {
        fire(signal, other.reason);
        break;
      }
      other.addEventListener("abort", () => fire(signal, other.reason), { once: true });
    }
    return signal;
  }

  /** Whether it has aborted. */
  get aborted(): boolean {
    return this.#aborted;
  }

  /** Why. */
  get reason(): unknown {
    return this.#reason;
  }

  /** Throws the reason when it has aborted. */
  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  /** Calls a listener at the abort. */
  addEventListener(type: string, listener: Listener, options?: boolean | { once?: boolean }): void {
    if (type !== "abort" || listener === null || listener === undefined || this.#aborted) return;
    if (this.#listeners.some((known) => known.listener === listener)) return;
    this.#listeners.push({ listener, once: typeof options === "object" && options?.once === true });
  }

  /** Forgets a listener. */
  removeEventListener(type: string, listener: Listener): void {
    if (type === "abort") this.#listeners = this.#listeners.filter((known) => known.listener !== listener);
  }

  #fire(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason === undefined ? named("AbortError", "The operation was aborted") : reason;
    const listeners = this.#listeners;
    this.#listeners = [];
    const event: AbortEvent = Object.freeze({ type: "abort", target: this });
    if (typeof this.onabort === "function") this.#call(this.onabort, event);
    for (const { listener } of listeners) this.#call(listener, event);
  }

  #call(listener: Listener, event: AbortEvent): void {
    try {
      if (typeof listener === "function") listener.call(this, event);
      else listener?.handleEvent(event);
    } catch (error) {
      host.uncaught(error);
    }
  }
}

/** `AbortController`. */
export class GuestAbortController {
  readonly #signal: GuestAbortSignal = make();
  /** The signal that it aborts. */
  get signal(): GuestAbortSignal {
    return this.#signal;
  }
  /** Aborts it. */
  abort(reason?: unknown): void {
    fire(this.#signal, reason);
  }
}

const key: unique symbol = Symbol();

function named(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
