/**
 * `serve()`: a Cloudflare dispatcher as it stands, on an engine of ours.
 *
 * @module
 */
import { type CodeStore, createCodeStore } from "../../core/code/code_store.ts";
import { quote, TenureError } from "../../core/errors.ts";
import { checkTenantId, checkWorkflowName } from "../../core/ids.ts";
import { DEFAULT_LIMITS, type Limits } from "../../core/limits.ts";
import { pause } from "../../core/pause.ts";
import type { Store } from "../../core/ports/store.ts";
import type { SandboxAdapter } from "../../core/ports/guest.ts";
import { systemClock } from "../../core/system_clock.ts";
import type { WorkflowLike } from "../../core/tenant.ts";
import { createTenure, type LogContext, type Logger, type Tenure, type TenureOptions } from "../../core/tenure.ts";
import { croner } from "../cron/croner.ts";
import { defaultDefer, inOneTask } from "../sandbox/trusted/defer.ts";
import { BIND, boundWorkflow, type DispatcherWorkflow } from "./bound.ts";
import { checkConfig, type WranglerConfig } from "./config.ts";
import { contextOf, type DispatcherModule, isEntrypointClass, loopbacks } from "./exports.ts";
import { layeredGuest } from "./layers.ts";
import { createLoader } from "./loader.ts";
import { leaveRealm, realm } from "./realm.ts";
import { createTraces } from "./traces.ts";

/** Options of {@linkcode serve}. */
export interface ServeOptions extends Pick<TenureOptions, "storage" | "limits" | "engine" | "maxRunning" | "logger" | "clock"> {
  /** What runs the code that the dispatcher loads. */
  readonly sandbox: SandboxAdapter;
  /** The wrangler config: a key that is not supported is refused by its name. */
  readonly config: WranglerConfig;
  /** Bindings that no config of ours can make: objects with methods, secrets. */
  readonly env?: Readonly<Record<string, unknown>>;
  /**
   * Whose a wrapped binding is: sees only what the dispatcher gave to `wrapWorkflowBinding`.
   *
   * @default {(metadata) => metadata.tenantId}
   */
  readonly tenantOf?: (metadata: Readonly<Record<string, unknown>>) => unknown;
}

/** A dispatcher that is served. */
export interface Served {
  /** Gives a request to the dispatcher. */
  fetch(request: Request): Promise<Response>;
  /** The engine beneath, for what Cloudflare's API has no word for: usage, limits, retention. */
  readonly tenure: Tenure;
  /** Ends it: see `Tenure.close`. Then another dispatcher may be served. */
  close(options?: { readonly timeout?: number }): Promise<{ readonly released: number }>;
  /** {@linkcode Served.close} */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The tenant of instances that the dispatcher makes by its own binding: no other binding can have it. */
const DISPATCHER = "cloudflare:dispatcher";
/** The dispatcher's code is not pinned: what it loads is. So it may be deployed anew at any time. */
const VERSION = "dispatcher";

/**
 * Serves a dispatcher: a module with a `fetch`, classes of workflows, and code that it loads for its tenants.
 *
 * @example
 * ```ts ignore
 * const app = await serve(dispatcher, { storage: sqlite({ path: "tenure.db" }), sandbox: quickjs(), config });
 * Deno.serve((request) => app.fetch(request));
 * ```
 *
 * @throws {TenureError} `unsupported` naming a key of the config; `already_serving` when there is a server in the process
 */
export async function serve(dispatcher: DispatcherModule, options: ServeOptions): Promise<Served> {
  const { workflows, worker_loaders, vars } = checkConfig(options.config);
  for (const { name, class_name } of workflows) {
    checkWorkflowName(name);
    if (!isWorkflow(dispatcher[class_name])) throw new TenureError("invalid_argument", `Cannot serve the dispatcher: it exports no class ${quote(class_name)} with a method run`);
  }
  const taken = Object.keys(options.env ?? {}).find((name) => Object.hasOwn(vars, name) || [...workflows, ...worker_loaders].some(({ binding }) => binding === name));
  if (taken !== undefined) throw new TenureError("invalid_argument", `Cannot serve the dispatcher: both its config and env have ${quote(taken)}`);
  if (realm.served) throw new TenureError("already_serving", "Cannot serve a second dispatcher: module-level env is one for the process");
  realm.served = true;
  try {
    return await begin();
  } catch (error) {
    leaveRealm();
    throw error;
  }

  async function begin(): Promise<Served> {
    const clock = options.clock ?? systemClock();
    const defer = inOneTask(defaultDefer());
    const closing = new AbortController();
    const { sandbox } = options;
    const limits = (tenant: string): Limits => ({ ...DEFAULT_LIMITS, ...(typeof options.limits === "function" ? options.limits(tenant) : options.limits) });
    let codes: CodeStore | undefined;
    const env: Record<string, unknown> = { ...vars, ...options.env };
    const exports = loopbacks(dispatcher, env);
    const classes = new Map(workflows.map(({ name, class_name }) => [name, dispatcher[class_name] as WorkflowClass]));
    const logger = options.logger;
    const show = (level: "debug" | "info" | "warn" | "error", text: string, where: LogContext): void => {
      try {
        logger?.[level](text, where);
      } catch {
        // a logger that throws is the platform's own trouble
      }
    };
    const traces = createTraces(clock, () => show("warn", "Traces are dropped: the tails do not keep up", { tenantId: "", workflow: "", instanceId: "", step: null }));
    const traced = (level: "debug" | "info" | "warn" | "error"): Logger["info"] => (text, where) => {
      traces.line(JSON.stringify([where.tenantId, where.workflow, where.instanceId]), level, text);
      show(level, text, where);
    };

    const host: SandboxAdapter = {
      name: "host",
      // what reaches the outside between steps is the dispatcher's own, as on Cloudflare
      caps: { boundary: "none", mediated: sandbox.caps.mediated, hardKill: false, memoryCap: false, metered: false },
      prepare: () => Promise.reject(new TypeError("Cannot prepare code: classes of the dispatcher are registered, not deployed")),
      open: (init) =>
        layeredGuest({
          init,
          defer,
          pause: (ms) => pause(clock, ms),
          make: (name) => new (classes.get(name) as WorkflowClass)(contextOf({}, exports), env),
        }),
      close: () => Promise.resolve(),
    };
    const storage = {
      name: options.storage.name,
      async open(): Promise<Store> {
        const store = await options.storage.open();
        codes = createCodeStore(store.blobs);
        return store;
      },
    };
    const { engine, maxRunning } = options;
    const tenure = await createTenure({
      storage,
      sandbox,
      clock,
      ...(options.limits !== undefined && { limits: options.limits }),
      ...(engine !== undefined && { engine }),
      ...(maxRunning !== undefined && { maxRunning }),
      logger: { debug: traced("debug"), info: traced("info"), warn: traced("warn"), error: traced("error") },
    }, { hostSandbox: () => host, cron: croner() });

    for (const { name, binding } of workflows) {
      tenure.register(name, classes.get(name) as unknown as WorkflowLike, { version: VERSION });
      env[binding] = dispatcherWorkflow(tenure, name);
    }
    for (const { binding } of worker_loaders) {
      env[binding] = createLoader({
        sandbox,
        clock,
        codes: () => codes as CodeStore,
        limits,
        usual: { ...DEFAULT_LIMITS, ...(typeof options.limits === "object" ? options.limits : {}) },
        signal: closing.signal,
        log: (worker, level, text) => show(level, text, { tenantId: worker, workflow: "", instanceId: "", step: null }),
        traces,
      });
    }
    realm.env = env;
    realm.exports = exports;

    async function close(how: { readonly timeout?: number } = {}): Promise<{ readonly released: number }> {
      const closed = await tenure.close(how);
      traces.flush();
      closing.abort();
      leaveRealm();
      return closed;
    }

    return {
      tenure,
      async fetch(request) {
        const main = dispatcher["default"];
        const ctx = contextOf({}, exports);
        const target = (isEntrypointClass(main) ? new main(ctx, env) : main) as { fetch?: (request: Request, env: unknown, ctx: unknown) => unknown } | undefined;
        if (typeof target?.fetch !== "function") throw new TenureError("invalid_argument", "Cannot answer: the dispatcher has no default export with fetch");
        return await target.fetch(request, env, ctx) as Response;
      },
      close,
      async [Symbol.asyncDispose]() {
        await close();
      },
    };
  }

  function dispatcherWorkflow(tenure: Tenure, name: string): DispatcherWorkflow {
    const own = boundWorkflow(tenure.tenant(DISPATCHER).workflow(name), undefined);
    const { tenantOf = ({ tenantId }) => tenantId } = options;
    return Object.freeze({
      ...own,
      [BIND](metadata: Readonly<Record<string, unknown>>) {
        const tenant: unknown = typeof metadata === "object" && metadata !== null ? tenantOf(metadata) : undefined;
        if (typeof tenant !== "string" || tenant === "" || tenant === DISPATCHER) {
          throw new TenureError("invalid_argument", "Cannot wrap the workflow binding: no tenant is found in its metadata");
        }
        checkTenantId(tenant);
        return boundWorkflow(tenure.tenant(tenant).workflow(name), metadata);
      },
    });
  }
}

type WorkflowClass = new (ctx: unknown, env: unknown) => { run(event: unknown, step: unknown): unknown };

function isWorkflow(value: unknown): value is WorkflowClass {
  return typeof value === "function" && typeof (value.prototype as { run?: unknown } | undefined)?.run === "function";
}
