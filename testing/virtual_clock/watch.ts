/**
 * Adapters and bindings whose pending calls a virtual clock knows of.
 *
 * @module
 */
import { type BindingMethods, perCall, type PerCallBinding } from "../../core/execution/bindings.ts";
import type { Blobs } from "../../core/ports/blobs.ts";
import type { SandboxAdapter } from "../../core/ports/guest.ts";
import type { StorageAdapter } from "../../core/ports/store.ts";
import type { TenureOptions } from "../../core/tenure.ts";
import { encode } from "../../core/values.ts";
import { watchGuest } from "./watch_guest.ts";

/** Lets nothing rest while a promise is pending. */
export type Hold = <T>(work: Promise<T>) => Promise<T>;

/** What the wrappers of one engine share. */
export interface Watch {
  readonly hold: Hold;
  /** Code that was read and has not arrived in a sandbox: by tenant and version, what says that it has. */
  readonly arrivals: Map<string, () => void>;
}

type Env = NonNullable<TenureOptions["env"]>;

/** A storage whose calls hold. */
export function watchStorage(storage: StorageAdapter, watch: Watch): StorageAdapter {
  const { hold } = watch;
  return {
    name: storage.name,
    async open() {
      const store = await hold(storage.open());
      // a subscription is no call that is answered
      const listen = store.listen?.bind(store);
      return watched(store, hold, { ...(listen && { listen }), blobs: watchBlobs(store.blobs, watch) });
    },
  };
}

/** An engine checks the hash of code that it read, beside the event loop, and opens a guest of it: until then nothing rests. */
function watchBlobs(blobs: Blobs, { hold, arrivals }: Watch): Blobs {
  return watched(blobs, hold, {
    async get(tenant, hash) {
      const bytes = await hold(blobs.get(tenant, hash));
      if (bytes !== null) {
        const key = keyOf(tenant, hash);
        const before = arrivals.get(key);
        // several may read it at a time, and the first guest of it says that it is there
        void hold(new Promise<void>((done) => arrivals.set(key, () => (before?.(), done()))));
      }
      return bytes;
    },
  });
}

/** A sandbox whose openings and turns hold, and the real work of its guests. */
export function watchSandbox(sandbox: SandboxAdapter, { hold, arrivals }: Watch): SandboxAdapter {
  return watched(sandbox, hold, {
    open(init, signal) {
      const key = keyOf(init.tenant, init.version);
      arrivals.get(key)?.();
      arrivals.delete(key);
      const opened = sandbox.open(init, signal);
      return opened instanceof Promise ? hold(opened).then((guest) => watchGuest(guest, hold)) : watchGuest(opened, hold);
    },
  });
}

/** An `env` that holds while it is asked for, and whose bindings hold while they are called. */
export function watchEnv(env: Env, hold: Hold): Env {
  return async (request) => {
    const granted = await hold(Promise.resolve(env(request)));
    return Object.fromEntries(Object.entries(granted).map(([name, value]) => [name, isData(value) ? value : watchBinding(value, hold)]));
  };
}

function watchBinding(binding: unknown, hold: Hold): unknown {
  if (typeof binding !== "function" && (typeof binding !== "object" || binding === null)) return binding;
  const made = (binding as Partial<PerCallBinding>)["tenure.perCall"];
  // whatever it is, the core takes this for a binding
  return perCall((call) => watched(made === undefined ? binding : made(call), hold));
}

/** Plain data is passed by value, as the core decides. */
function isData(value: unknown): boolean {
  try {
    encode(value);
    return true;
  } catch {
    return false;
  }
}

/** The same object, function or instance with methods that hold; `own` in place of its own. */
function watched<T extends object>(of: T, hold: Hold, own: Partial<T> = {}): T {
  const call = (method: BindingMethods[string], self: unknown, args: unknown[]): unknown => {
    const answer = Reflect.apply(method, self, args);
    return typeof answer?.then === "function" ? hold(Promise.resolve(answer)) : answer;
  };
  // not `of` itself beneath: what is frozen may not be shown otherwise
  const beneath = typeof of === "function" ? (): void => {} : {};
  return new Proxy(beneath, {
    get(_, name) {
      if (Object.hasOwn(own, name)) return own[name as keyof T];
      const value: unknown = Reflect.get(of, name);
      return typeof value === "function" ? (...args: unknown[]) => call(value as BindingMethods[string], of, args) : value;
    },
    apply: (_, self, args) => call(of as unknown as BindingMethods[string], self, args),
    getPrototypeOf: () => Reflect.getPrototypeOf(of),
    getOwnPropertyDescriptor(_, name) {
      const found = Reflect.getOwnPropertyDescriptor(of, name);
      return found && { ...found, configurable: true };
    },
  }) as T;
}

function keyOf(tenant: string, version: string): string {
  return `${version} ${tenant}`;
}
