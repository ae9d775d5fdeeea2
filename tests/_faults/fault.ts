/** One call of a store, chosen by its method and number, that goes wrong. */
import type { Store } from "../../core/ports/store.ts";

/** How it goes wrong. */
export const WAYS = ["fails", "is applied and fails", "is lost with its process", "is applied, and its process dies"] as const;

/** One of {@linkcode WAYS}. */
export type Way = typeof WAYS[number];

/** Which call, and how. */
export interface Fault {
  /** Its name; of a blob's: `blobs.put`, … */
  readonly method: string;
  /** From 1, over all processes. */
  readonly n: number;
  readonly way: Way;
}

/** What a failing storage throws. */
export class StorageFault extends Error {
  override readonly name: string = "StorageFault";
}

/** Methods that change something, so that it makes a difference whether a call was applied. */
export const WRITES: ReadonlySet<string> = new Set(["acquire", "renew", "release", "commit", "post", "close", "blobs.put", "blobs.delete"]);

const NEVER = new Promise<never>(() => {});

/** Counts the calls of all connections, and lets one of them go wrong. */
export interface Trouble {
  /** Calls so far, by method. */
  readonly calls: ReadonlyMap<string, number>;
  /** Whether the call was reached. */
  reached(): boolean;
  /** A connection as its process sees it; `dying` is called when the call hangs. */
  connect(store: Store, dying: () => void): Store;
}

/** Makes it; without a fault everything goes well. */
export function troubleOf(fault: Fault | undefined): Trouble {
  const calls = new Map<string, number>();
  let reached = false;

  function wrapped<T extends object>(of: T, prefix: string, dying: () => void): T {
    return new Proxy({} as T, {
      get(_, name) {
        const value: unknown = Reflect.get(of, name);
        if (name === "blobs") return wrapped(value as object, "blobs.", dying);
        // hints may be missing anyway
        if (typeof value !== "function" || name === "listen") return value;
        return (...args: unknown[]) => call(prefix + String(name), () => Reflect.apply(value, of, args) as Promise<unknown>, dying);
      },
    });
  }

  async function call(method: string, apply: () => Promise<unknown>, dying: () => void): Promise<unknown> {
    const n = (calls.get(method) ?? 0) + 1;
    calls.set(method, n);
    if (fault?.method !== method || fault.n !== n) return apply();
    reached = true;
    if (fault.way === "is applied and fails" || fault.way === "is applied, and its process dies") await apply();
    if (fault.way === "fails" || fault.way === "is applied and fails") throw new StorageFault("the disk is on fire at /var/secret.db");
    dying();
    return NEVER;
  }

  return { calls, reached: () => reached, connect: (store, dying) => wrapped(store, "", dying) };
}
