/**
 * An owner and a process that only serves the API, on one store whose calls go wrong as planned. Whoever dies is
 * followed by another; all that is committed is held against the rules that the simulator knows.
 */
import type { Prepared, SandboxAdapter } from "../../core/ports/guest.ts";
import type { StorageAdapter, Store } from "../../core/ports/store.ts";
import { createTenure, TenureError } from "../../mod.ts";
import { begunOf, opIn } from "../../testing/simulate_crash/book.ts";
import { worldOn } from "../../testing/simulate/world.ts";
import { createEffects } from "../../testing/simulator/effects.ts";
import { createLedger, type Ledger, nameOf } from "../../testing/simulator/ledger.ts";
import type { Process } from "../../testing/simulator/process.ts";
import type { Failure } from "../../testing/simulator/world.ts";
import { type MortalServer, startServer } from "../../testing/test_workflow/server.ts";
import { tapped } from "../../testing/test_workflow/tap.ts";
import { virtualClock, type VirtualClock } from "../../testing/virtual_clock.ts";
import { watchSandbox, watchStorage } from "../../testing/virtual_clock/watch.ts";
import type { Trouble } from "./fault.ts";

/** Who is asked. */
export type Role = "owner" | "api";

/** The processes on one store. */
export interface Fleet {
  readonly clock: VirtualClock;
  /**
   * Asks until it is known what came of it; `known` are codes that say that it was done before. Any other error that
   * is not the platform's to have is thrown.
   */
  ask<T>(role: Role, what: (server: MortalServer) => Promise<T>, known?: readonly string[]): Promise<T | undefined>;
  /** Deploys code. No time passes while it is hashed: that goes on beside the event loop, and the clock does not see it. */
  deploy(server: MortalServer, tenant: string, source: string): Promise<unknown>;
  /** Resolves after so much time, ms. */
  pass(ms: number): Promise<void>;
  /** Ends one as SIGKILL does; another follows. */
  kill(role: Role): Promise<void>;
  /** Ends both in good order. */
  close(): Promise<void>;
  /** The first rule that was broken, or `undefined`. */
  broken(): Failure | undefined;
  /** Processes that died. */
  deaths(): number;
  /** Records that say that what ran was cut off. */
  interruptions(): number;
  /** How often each body was begun, by instance and step. */
  readonly bodies: ReadonlyMap<string, number>;
  /** What is wrong with what the store holds at the end. */
  leftovers(): Promise<string[]>;
  end(): void;
}

/** Answers that say nothing about what was asked, and mean that the platform has trouble. */
const UNKNOWN = ["outcome_unknown", "storage_unavailable"];
/** Before somebody who was told nothing asks again, ms. */
const AGAIN = 100;
/** A process whose storage does not answer is killed after so long, ms. */
const WATCHDOG = 6_000;

/** Each fleet deploys the same. */
const PREPARED = new Map<string, Promise<Prepared>>();

/**
 * Starts them.
 *
 * @param place a storage whose leases do not run out while months pass
 */
export async function startFleet(sandbox: SandboxAdapter, place: StorageAdapter, trouble: Trouble): Promise<Fleet> {
  const clock = virtualClock();
  const world = worldOn(clock.process({ watched: true }).clock, 1);
  const ledger = createLedger(world);
  const effects = createEffects(world, ledger);
  const bodies = new Map<string, number>();
  const hashing: (() => void)[] = [];
  const preparing: SandboxAdapter = {
    name: sandbox.name,
    caps: sandbox.caps,
    open: (init, signal) => sandbox.open(init, signal),
    close: () => Promise.resolve(),
    prepare(tenant, code, limits) {
      hashing.shift()?.();
      const text = JSON.stringify(code);
      let prepared = PREPARED.get(text);
      if (prepared === undefined) PREPARED.set(text, prepared = sandbox.prepare(tenant, code, limits));
      return prepared;
    },
  };
  let deaths = 0;
  let count = 0;
  let over = false;

  function boot(role: Role): Slot {
    const by = { name: `${role}${++count}` } as Process;
    let died = (): void => {};
    const gone = new Promise<void>((done) => died = done);
    const server = startServer({
      tenantId: "",
      workflow: "",
      async start({ connect, watch, tap, owner, clock: own }) {
        const watched = watchStorage(place, watch);
        return await createTenure({
          storage: { name: place.name, open: async () => connect(await watched.open()) },
          sandbox: tapped(watchSandbox(preparing, watch), tap, owner),
          clock: own,
          engine: role === "owner",
        });
      },
    }, {
      clock,
      storage: place,
      connect: (store, kill) =>
        trouble.connect(booked(store, ledger, by), () => {
          clock.setTimer(WATCHDOG, () => end(kill));
        }),
      tap: {
        hold: clock.hold,
        begin(body) {
          const life = ledger.lives.get(body.life);
          const effect = effects.begin(life, opIn(life, body), begunOf(body), by);
          const instance = [...ledger.instances.values()].find((each) => each.life === life);
          const key = `${instance === undefined ? "?" : nameOf(instance.key)} ${body.name}`;
          if (effect !== undefined) bodies.set(key, (bodies.get(key) ?? 0) + 1);
          return undefined;
        },
      },
    });
    function end(kill: () => void): void {
      deaths++;
      kill();
      died();
    }
    const slot = { server, gone, end };
    void gone.then(() => {
      if (!over) slots[role] = boot(role);
    });
    return slot;
  }

  const slots = {} as Record<Role, Slot>;
  for (const role of ["owner", "api"] as const) {
    slots[role] = boot(role);
    await clock.until(Promise.race([slots[role].server, slots[role].gone]));
  }

  async function living(role: Role): Promise<MortalServer & { readonly died: Promise<void> }> {
    for (;;) {
      const { server, gone } = slots[role];
      const found = await Promise.race([server, gone]);
      if (found?.alive() === true) return { ...found, died: gone };
      await gone;
    }
  }

  async function ask<T>(role: Role, what: (server: MortalServer) => Promise<T>, known: readonly string[] = []): Promise<T | undefined> {
    for (;;) {
      const server = await living(role);
      try {
        const answer = await Promise.race([what(server).then((value) => ({ value })), server.died]);
        if (answer !== undefined) return answer.value;
      } catch (error) {
        const code = TenureError.is(error) ? error.code : undefined;
        if (code !== undefined && known.includes(code)) return undefined;
        if (code === undefined || !UNKNOWN.includes(code) || `${error}`.includes("secret")) throw error;
        await pass(AGAIN);
      }
    }
  }

  function pass(ms: number): Promise<void> {
    return new Promise((done) => void clock.setTimer(ms, done));
  }

  async function kill(role: Role): Promise<void> {
    const { end } = slots[role];
    end((await living(role)).kill);
  }

  async function close(): Promise<void> {
    over = true;
    for (const { server, gone } of [slots.api, slots.owner]) {
      await Promise.race([server.then(({ tenure }) => tenure.close()), gone]);
    }
  }

  async function leftovers(): Promise<string[]> {
    const store = await place.open();
    const wrong: string[] = [];
    for (const due of await store.due(0, { after: -1, until: Number.MAX_SAFE_INTEGER, limit: 100 })) wrong.push(`${nameOf(due)} is still to be woken`);
    for (const { body } of await store.inbox(0, 100)) wrong.push(`nobody has read ${body}`);
    for (const [name, { key, life }] of ledger.instances) {
      const image = await store.load(0, key);
      const lines = image?.journal.join("\n").split("\n").length ?? 0;
      if (lines !== life.records.length) wrong.push(`${name} has ${lines} records, ${life.records.length} were committed`);
    }
    await store.close();
    return wrong;
  }

  return {
    clock,
    ask,
    deploy({ tenure }, tenant, source) {
      void clock.hold(new Promise<void>((done) => hashing.push(done)));
      return tenure.tenant(tenant).deploy(source);
    },
    pass,
    kill,
    close,
    interruptions: () => [...ledger.lives.values()].flatMap(({ records }) => records).filter(({ head }) => head.k === "interrupted").length,
    broken: world.failure,
    deaths: () => deaths,
    bodies,
    leftovers,
    end() {
      over = true;
      for (const { server } of Object.values(slots)) void server.then(({ kill }) => kill());
    },
  };
}

interface Slot {
  readonly server: Promise<MortalServer>;
  /** Resolves when it has died. */
  readonly gone: Promise<void>;
  /** Calls what kills it, and notes its death. */
  end(kill: () => void): void;
}

/** The books hear of what is committed at the moment at which it is. */
function booked(store: Store, ledger: Ledger, by: Process): Store {
  return new Proxy(store, {
    get(_, name) {
      if (name === "acquire") {
        return async (...args: Parameters<Store["acquire"]>) => {
          const lease = await store.acquire(...args);
          if (lease !== null) ledger.acquired(args[0], lease, by);
          return lease;
        };
      }
      if (name === "commit") {
        return async (...args: Parameters<Store["commit"]>) => {
          const answer = await store.commit(...args);
          ledger.committed(args[1], answer, by);
          return answer;
        };
      }
      return Reflect.get(store, name);
    },
  });
}
