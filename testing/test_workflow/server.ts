/**
 * A process that runs the workflow under test, and can be killed.
 *
 * @module
 */
import type { Guest } from "../../core/ports/guest.ts";
import type { StorageAdapter, Store } from "../../core/ports/store.ts";
import type { Tenure } from "../../core/tenure.ts";
import { never } from "../never.ts";
import type { VirtualClock } from "../virtual_clock.ts";
import type { Watch } from "../virtual_clock/watch.ts";
import type { Deployed } from "./subject.ts";
import type { Tap } from "./tap.ts";

/** A process that takes requests. */
export interface Server {
  readonly tenure: Tenure;
  /** Resolves when it has died. */
  readonly gone: Promise<void>;
}

/** A server that can be killed. */
export interface MortalServer extends Server {
  alive(): boolean;
  /** Ends it as SIGKILL does: nothing of it answers or fires any more, and nobody has released its shards. */
  kill(): void;
}

/** What a server is started with. */
export interface ServerParts {
  readonly clock: VirtualClock;
  readonly storage: StorageAdapter;
  readonly tap: Tap;
  /** Its connection, changed by whoever wants to interfere. */
  readonly connect?: (store: Store, kill: () => void) => Store;
}

/** Starts a process on a storage. */
export async function startServer(deployed: Deployed, { clock, storage, tap, connect }: ServerParts): Promise<MortalServer> {
  const process = clock.process({ watched: true });
  const guests = new Set<Guest>();
  let alive = true;
  // what a dead process has begun is waited for by nobody
  const watch: Watch = { hold: (work) => alive ? clock.hold(work) : work, arrivals: new Map() };
  let died = (): void => {};
  const gone = new Promise<void>((done) => died = done);
  let store: Store | undefined;

  function kill(): void {
    if (!alive) return;
    alive = false;
    process.stop();
    for (const guest of guests) guest.drop();
    for (const arrived of watch.arrivals.values()) arrived();
    // the memory's lease goes with its connection
    store?.close().catch(() => {});
    died();
  }

  const tenure = await deployed.start({
    storage,
    clock: process.clock,
    watch,
    tap,
    owner: { alive: () => alive, guests },
    connect(opened) {
      store = opened;
      const mortal = mortalStore(opened, () => alive);
      return connect === undefined ? mortal : connect(mortal, kill);
    },
  });
  return { tenure, gone, alive: () => alive, kill };
}

/** A connection that answers nothing once its process is dead. */
function mortalStore(store: Store, alive: () => boolean): Store {
  return new Proxy({} as Store, {
    get(_, name) {
      const value: unknown = Reflect.get(store, name);
      // a subscription is no call that is answered
      if (typeof value !== "function" || name === "listen") return value;
      return (...args: unknown[]) => {
        if (!alive()) return never();
        const answer: unknown = Reflect.apply(value, store, args);
        return answer instanceof Promise ? answer.then((given) => alive() ? given : never()) : answer;
      };
    },
  });
}
