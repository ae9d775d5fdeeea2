/** A dispatcher with tenants, served on a clock in a test's hand. */
import {
  createDynamicWorkflowEntrypoint,
  type DispatcherModule,
  DynamicWorkflowBinding,
  serve,
  type Served,
  type ServeOptions,
  type WorkerCode,
  type WorkerLoader,
  type WorkflowRunner,
  wrapWorkflowBinding,
} from "../../adapters/cloudflare.ts";
import { quickjs } from "../../adapters/sandbox/quickjs.ts";
import { memory } from "../../adapters/storage/memory.ts";
import type { StorageAdapter, Store } from "../../mod.ts";
import { testClock, type TestClock } from "../semantics/_clock.ts";

// deno-lint-ignore no-explicit-any
export type Any = any;

/** The env of the dispatcher. */
export interface Env {
  readonly WORKFLOWS: Any;
  readonly OTHERS: Any;
  readonly LOADER: WorkerLoader;
}

/** A platform under test. */
export interface Platform {
  readonly clock: TestClock;
  /** The dispatcher that is served now. */
  readonly app: Served;
  /** Sources by tenant, as the dispatcher finds them from now on. */
  readonly sources: Record<string, string>;
  /** How often a tenant's code was asked for. */
  readonly loads: Record<string, number>;
  /** Calls a method of the tenant's `Api`. */
  api(tenant: string, method: string, ...args: unknown[]): Promise<Any>;
  /** Gives a request to the tenant's own `fetch`. */
  fetch(tenant: string, path: string, init?: RequestInit): Promise<Response>;
  /** The output of a tenant's instance, when it has ended. */
  result(tenant: string, id: string, workflow?: string): Promise<Any>;
  /** Resolves when an instance has a status. */
  until(tenant: string, id: string, status: string): Promise<void>;
  /** Ends the server and serves again on the same data. */
  again(options?: Partial<ServeOptions>): Promise<void>;
}

const CONFIG = {
  name: "my-dispatcher",
  main: "src/index.ts",
  compatibility_date: "2026-01-01",
  worker_loaders: [{ binding: "LOADER" }],
  workflows: [
    { name: "dynamic-workflow", binding: "WORKFLOWS", class_name: "DynamicWorkflow" },
    { name: "other-workflow", binding: "OTHERS", class_name: "DynamicWorkflow" },
  ],
};

/** What a tenant's `Api` offers: the verbs of its binding, so that a test can call them from within the tenant's code. */
export const API = `
import { WorkerEntrypoint } from "cloudflare:workers";
export class Api extends WorkerEntrypoint {
  async create(options, binding = "WORKFLOWS") { return (await this.env[binding].create(options)).id; }
  async batch(batch) {
    const made = await this.env.WORKFLOWS.createBatch(batch);
    return Array.isArray(made) ? made.map(({ id }) => id) : { created: made.created.map(({ id }) => id), errors: made.errors.map(({ code }) => code) };
  }
  deleteBatch(ids) { return this.env.WORKFLOWS.deleteBatch(ids); }
  list() { return this.env.WORKFLOWS.list(); }
  async verb(id, name, ...args) {
    const instance = await this.env.WORKFLOWS.get(id);
    return instance[name](...args);
  }
  async events(id, filter) {
    const types = [];
    for await (const { type } of await (await this.env.WORKFLOWS.get(id)).subscribe({ filter })) types.push(type);
    return types;
  }
}`;

/** A tenant's module: a workflow with this body, and the `Api`. */
export function tenant(body: string): string {
  return `import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";
${API}
export class TenantWorkflow extends WorkflowEntrypoint {
  async run(event, step) { ${body} }
}`;
}

/** Serves a dispatcher as the original's README has it, lends it to a test and ends it. */
export async function onPlatform(
  options: Partial<ServeOptions> & { readonly dispatcher?: DispatcherModule; readonly code?: Partial<WorkerCode> },
  test: (platform: Platform) => Promise<void>,
): Promise<void> {
  const { dispatcher, code, ...given } = options;
  const clock = testClock();
  const sources: Record<string, string> = {};
  const loads: Record<string, number> = {};
  function loadTenant(env: Env, tenantId: string) {
    return env.LOADER.get(tenantId, async () => {
      loads[tenantId] = (loads[tenantId] ?? 0) + 1;
      await Promise.resolve();
      return {
        compatibilityDate: "2026-01-01",
        mainModule: "index.js",
        modules: { "index.js": sources[tenantId] as string },
        globalOutbound: null,
        ...code,
        env: { WORKFLOWS: wrapWorkflowBinding({ tenantId }), OTHERS: wrapWorkflowBinding({ tenantId }, { bindingName: "OTHERS" }), TENANT: tenantId, ...code?.env },
      };
    });
  }
  const usual: DispatcherModule = {
    DynamicWorkflowBinding,
    DynamicWorkflow: createDynamicWorkflowEntrypoint<Env>(({ env, metadata }) => {
      return loadTenant(env, metadata["tenantId"] as string).getEntrypoint("TenantWorkflow") as unknown as WorkflowRunner;
    }),
    Loaded: class {},
    default: {
      fetch: (request: Request, env: Env) => loadTenant(env, request.headers.get("x-tenant-id") as string).getEntrypoint().fetch(request),
      api: (env: Env, tenantId: string) => loadTenant(env, tenantId).getEntrypoint("Api"),
    },
    ...dispatcher,
  };
  const storage = kept();
  let process = clock.process();
  const begin = (more: Partial<ServeOptions> = {}): Promise<Served> =>
    serve(usual, { storage, sandbox: quickjs(), config: CONFIG, clock: process.clock, ...given, ...more });
  let app = await begin();
  try {
    await test({
      clock,
      get app() {
        return app;
      },
      sources,
      loads,
      async api(tenantId, method, ...args) {
        const { env } = await import("../../adapters/cloudflare/workers.ts");
        return await (usual["default"] as Any).api(env, tenantId)[method](...args);
      },
      fetch: (tenantId, path, init = {}) => app.fetch(new Request(`https://tenant.example${path}`, { ...init, headers: { "x-tenant-id": tenantId } })),
      result: async (tenantId, id, workflow = "dynamic-workflow") => (await app.tenure.tenant(tenantId).workflow(workflow).get(id)).result(),
      async until(tenantId, id, status) {
        const instance = await app.tenure.tenant(tenantId).workflow("dynamic-workflow").get(id);
        for (let n = 0; (await instance.status()).status !== status; n++) {
          if (n > 20_000) throw new Error(`It is ${(await instance.status()).status}, not ${status}`);
          await new Promise<void>((done) => setImmediate(done));
        }
      },
      async again(more) {
        await app.close();
        process = clock.process();
        app = await begin(more);
      },
    });
  } finally {
    await app.close();
  }
}

/** Storage whose data outlives the engine that closes it. */
function kept(): StorageAdapter {
  let store: Store | undefined;
  const inner = memory();
  return {
    name: inner.name,
    async open() {
      store ??= await inner.open();
      return { ...store, close: () => Promise.resolve() };
    },
  };
}

/** Waits until something holds. */
export async function eventually(holds: () => boolean): Promise<void> {
  for (let n = 0; !holds(); n++) {
    if (n > 50_000) throw new Error("It never holds");
    await new Promise<void>((done) => setImmediate(done));
  }
}

/** What a promise comes to as time goes by: in steps, because what is to be waited for may not have begun. */
export async function overtime<T>(clock: TestClock, ms: number, promise: Promise<T>): Promise<T> {
  let over = false;
  const end = (): void => void (over = true);
  promise.then(end, end);
  for (let n = 0; !over && n < 200; n++) {
    for (let tick = 0; !over && tick < 50; tick++) await new Promise<void>((done) => setImmediate(done));
    clock.jump(ms);
  }
  return await promise;
}

/** The error of something that is to fail. */
export async function failing(promise: Promise<unknown>): Promise<{ readonly name: string; readonly message: string; readonly code?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("It did not fail");
}
