/** What a test of the semantics works with: an engine on a store, a clock in its hand, and bindings to look through. */
import { describe, it } from "node:test";
import { createTenure, perCall, type BindingCall, type Tenure, type TenureOptions, type Workflow, type WorkflowInstance } from "../../mod.ts";
import type { Guest, SandboxAdapter } from "../../core/ports/guest.ts";
import type { StorageAdapter } from "../../core/ports/store.ts";
import { parseDuration } from "../../core/duration.ts";
import { testClock, type TestClock } from "./_clock.ts";
import { MODE } from "./_modes.ts";
import { STORES, wire } from "./_stores.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

/** Options of a world: those of an engine, and where its data is. */
export interface WorldOptions extends Omit<Partial<TenureOptions>, "storage" | "sandbox" | "clock"> {
  /** @default "memory" */
  readonly storage?: keyof typeof STORES;
}

/** How an instance of a test's own workflow is made. */
export interface RunOptions {
  readonly id?: string;
  readonly params?: unknown;
  readonly tenant?: string;
}

/** An engine under test. */
export interface World {
  readonly clock: TestClock;
  /** Where its data is. */
  readonly storage: StorageAdapter;
  /** The engine that runs now. */
  tenure(): Tenure;
  /** What the tenant's code gave to `env.T.note(…)`, in order. */
  readonly notes: unknown[];
  /** Who called `env.T`, in order. */
  readonly calls: BindingCall[];
  /** Deploys a workflow `Flow` with a `run` of this body. */
  flow(body: string, options?: { readonly tenant?: string }): Promise<Workflow<Any, Any>>;
  /** The same, and makes an instance. */
  run(body: string, options?: RunOptions): Promise<WorkflowInstance<Any>>;
  /** The binding of `Flow`, without deploying anything. */
  flows(tenant?: string): Workflow<Any, Any>;
  /** Lets everything that waits in `env.T.gate(name)` go on, now and later, with this value. */
  open(gate: string, value?: unknown): void;
  /** Moves the time on and lets the engine come to rest. */
  pass(duration: number | string): Promise<void>;
  /** Lets the engine come to rest. */
  rest(): Promise<void>;
  /** Resolves when the instance has this status. */
  until(instance: WorkflowInstance<Any>, status: string): Promise<void>;
  /** Resolves when a condition holds. */
  when(what: string, holds: () => boolean | Promise<boolean>): Promise<void>;
  /** Ends the engine in good order. */
  close(): Promise<{ readonly released: number }>;
  /** Ends it in good order and opens another on the same data, with the same options but for those given. */
  reopen(options?: WorldOptions): Promise<void>;
  /** Ends it as a crash does and opens another on the same data. */
  crash(options?: WorldOptions): Promise<void>;
  /** Opens another engine beside it, on the same data. */
  join(options?: WorldOptions): Promise<Tenure>;
}

/** Module with a workflow `Flow`. */
export function source(body: string): string {
  return `import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    const { T, ...env } = this.env;
    ${body}
  }
}`;
}

interface Engine {
  readonly tenure: Tenure;
  busy(): number;
  kill(): Promise<void>;
}

/** So long a test may take, ms: far more than any needs. */
const PATIENCE = 20_000;

/** Makes a world, lends it to a test and ends it. */
export async function inWorld(sandbox: SandboxAdapter, options: WorldOptions, body: (world: World) => Promise<void>): Promise<void> {
  const clock = testClock();
  const place = (STORES[options.storage ?? "memory"] as typeof STORES[string])(clock.now);
  const notes: unknown[] = [];
  const calls: BindingCall[] = [];
  const gates = new Map<string, { readonly opened: Promise<unknown>; open(value: unknown): void }>();
  let opening = 0;
  let current = options;
  let engine: Engine | undefined;
  const others: Engine[] = [];

  function gate(name: string): { readonly opened: Promise<unknown>; open(value: unknown): void } {
    let found = gates.get(name);
    if (found === undefined) {
      let open = (_value: unknown): void => {};
      const opened = new Promise<unknown>((resolve) => open = resolve);
      gates.set(name, found = { opened, open });
    }
    return found;
  }

  const T = perCall((call) => {
    calls.push(call);
    return {
      note: (value: unknown) => void notes.push(value),
      gate: (name: string) => gate(name).opened,
      count: (name: string) => notes.push(name) && notes.filter((note) => note === name).length,
      now: () => clock.now(),
    };
  });

  /** One adapter serves all worlds of a file: closing an engine must not end it, and its death takes its guests along. */
  function lent(guests: Set<Guest>, isDead: () => boolean): SandboxAdapter {
    return {
      name: sandbox.name,
      caps: sandbox.caps,
      prepare: (...args) => sandbox.prepare(...args),
      async open(...args) {
        opening++;
        try {
          const guest = await sandbox.open(...args);
          if (isDead()) guest.drop();
          guests.add(guest);
          return { turn: (...delivery) => guest.turn(...delivery), drop: () => void (guests.delete(guest) && guest.drop()) };
        } finally {
          opening--;
        }
      },
      close: () => Promise.resolve(),
    };
  }

  async function start(over: WorldOptions): Promise<Engine> {
    current = { ...current, ...over };
    const { storage: _, env, ...rest } = current;
    const process = clock.process();
    const guests = new Set<Guest>();
    let dead = false;
    const line = wire(MODE.storage(place.adapter));
    const tenure = await createTenure({
      ...MODE.options,
      ...rest,
      env: async (request) => ({ T, ...await env?.(request) }),
      storage: line.adapter,
      sandbox: lent(guests, () => dead),
      clock: process.clock,
    });
    return {
      tenure,
      busy: line.busy,
      async kill() {
        process.stop();
        dead = true;
        for (const guest of guests) guest.drop();
        await line.cut();
      },
    };
  }

  const world: World = {
    clock,
    storage: place.adapter,
    notes,
    calls,
    tenure: () => engine?.tenure as Tenure,
    async flow(body, { tenant = "acme" } = {}) {
      await world.tenure().tenant(tenant).deploy(source(body));
      return world.flows(tenant);
    },
    flows: (tenant = "acme") => world.tenure().tenant(tenant).workflow("Flow"),
    async run(body, { tenant, ...options } = {}) {
      const flow = await world.flow(body, tenant === undefined ? {} : { tenant });
      return flow.create(options);
    },
    open: (name, value) => gate(name).open(value),
    async pass(duration) {
      await world.rest();
      clock.jump(parseDuration(duration));
      await world.rest();
    },
    async rest() {
      for (let quiet = 0; quiet < 6;) {
        await macrotask();
        quiet = opening > 0 || clock.deferred() > 0 || [engine, ...others].some((each) => (each?.busy() ?? 0) > 0) ? 0 : quiet + 1;
      }
    },
    until(instance, status) {
      let seen: unknown;
      return world.when(`${instance.id} is ${status}`, async () => (seen = (await instance.status()).status) === status)
        .catch((error) => {
          throw new Error(`${error.message}; it is ${seen}`);
        });
    },
    async when(what, holds) {
      const end = performance.now() + PATIENCE / 4;
      while (!await holds()) {
        if (performance.now() > end) throw new Error(`Waited in vain: ${what}`);
        await macrotask();
      }
    },
    async close() {
      const { tenure } = engine as { tenure: Tenure };
      let closed = false;
      const closing = tenure.close({ timeout: 1_000 }).finally(() => closed = true);
      while (!closed) {
        await macrotask();
        clock.jump(1);
      }
      return closing;
    },
    async reopen(over = {}) {
      await world.close();
      engine = await start(over);
    },
    async crash(over = {}) {
      await world.rest();
      await engine?.kill();
      engine = await start(over);
    },
    async join(over = {}) {
      const other = await start(over);
      others.push(other);
      return other.tenure;
    },
  };

  engine = await start({});
  try {
    await inTime(body(world));
  } finally {
    for (const { kill } of [engine, ...others]) await kill();
    place.remove();
  }
}

async function inTime(body: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The test takes too long")), PATIENCE);
  });
  try {
    await Promise.race([body, late]);
  } finally {
    clearTimeout(timer);
  }
}

function macrotask(): Promise<void> {
  return new Promise((done) => void setImmediate(done));
}

/** Declares a test on a world of its own. */
export type InWorld = (sentence: string, body: (world: World) => Promise<void>) => void;

/** The sandboxes that the semantics are proved on. */
export const SANDBOXES: readonly SandboxAdapter[] = MODE.sandboxes;

/** Declares the same tests on each sandbox. */
export function onEach(subject: string, declare: (test: InWorld, sandbox: SandboxAdapter) => void, options: WorldOptions = {}): void {
  for (const sandbox of SANDBOXES) {
    const where = options.storage === undefined ? sandbox.name : `${sandbox.name} and ${options.storage}`;
    describe(`${subject}, on ${where}`, () => {
      declare((sentence, body) => {
        if (!Object.hasOwn(MODE.leftOut, sentence)) it(sentence, () => inWorld(sandbox, options, body));
      }, sandbox);
    });
  }
}
