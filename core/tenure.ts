/**
 * `createTenure()`: joins storage, sandbox and clock.
 *
 * @module
 */
import { type Granted, grant } from "./execution/bindings.ts";
import { callerStore } from "./caller_store.ts";
import { createCodeStore } from "./code/code_store.ts";
import { quote, TenureError } from "./errors.ts";
import { checkTenantId, checkWorkflowName } from "./ids.ts";
import { FORMAT } from "./instance/records.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { isUnavailable, Unopened } from "./openings.ts";
import type { Blobs } from "./ports/blobs.ts";
import type { Clock } from "./ports/clock.ts";
import type { Cron } from "./ports/cron.ts";
import type { Guest, GuestInit, SandboxAdapter } from "./ports/guest.ts";
import type { StorageAdapter } from "./ports/store.ts";
import type { Opener } from "./shard/activation.ts";
import { type Bounds, USUAL_BOUNDS } from "./shard/bounds.ts";
import { createEngine } from "./shard/engine.ts";
import { createFormats } from "./shard/format.ts";
import { systemClock } from "./system_clock.ts";
import { createTenant, listTenants, type Tenant, type WorkflowLike } from "./tenant.ts";

/** Whose run asks for its grants. */
export interface EnvRequest {
  /** The tenant. */
  readonly tenantId: string;
  /** The version of its code. */
  readonly version: string;
  /** The workflow. */
  readonly workflow: string;
  /** The instance. */
  readonly instanceId: string;
}

/** Where log lines go: shaped like `console`. */
export interface Logger {
  /** What a tenant's `console.debug` said. */
  debug(message: string, context: LogContext): void;
  /** What a tenant's `console.info` and `console.log` said. */
  info(message: string, context: LogContext): void;
  /** What a tenant's `console.warn` said. */
  warn(message: string, context: LogContext): void;
  /** What a tenant's `console.error` said. */
  error(message: string, context: LogContext): void;
}

/** Where a log line comes from. */
export interface LogContext {
  /** The tenant. */
  readonly tenantId: string;
  /** The workflow. */
  readonly workflow: string;
  /** The instance. */
  readonly instanceId: string;
  /** The step in whose body, or `null`. */
  readonly step: string | null;
}

/** Options of {@linkcode createTenure}. */
export interface TenureOptions {
  /** Where journals are kept. */
  readonly storage: StorageAdapter;
  /**
   * Where tenants' code is kept: the same place for every engine of the store. What is read is checked against its hash.
   *
   * @default the store
   */
  readonly code?: Blobs;
  /** What runs tenants' code. Needed to deploy and to run it; not for workflows of the host itself. */
  readonly sandbox?: SandboxAdapter;
  /**
   * What is granted to a run as its `env`: plain data, and objects with methods. Asked whenever a guest starts, never
   * stored.
   *
   * @default {() => ({})}
   */
  readonly env?: (
    request: EnvRequest,
  ) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;
  /** Limits that differ from the defaults, for all tenants or by tenant. */
  readonly limits?: Partial<Limits> | ((tenantId: string) => Partial<Limits>);
  /**
   * `false`: this process serves the API and leaves running to another.
   *
   * @default {true}
   */
  readonly engine?: boolean;
  /**
   * How many instances may run at one time in this process; what does not fit waits in the store.
   *
   * @default {2000}
   */
  readonly maxRunning?: number;
  /**
   * The longest that a shard may be nobody's after its owner's process, or machine, is gone and nobody could see that,
   * ms; at least 1,000. Owners renew what they hold for half of it; so a process that is paused, or cut off from the
   * store, for more than a third of it may lose its shards to another one, and drops what it ran.
   *
   * @default {15_000}
   */
  readonly lease?: number;
  /** Where tenants' `console` goes: lines of turns that are durable, each once. Nowhere by default. */
  readonly logger?: Logger;
  /** Another clock, for tests. */
  readonly clock?: Clock;
}

/** A running engine. */
export interface Tenure {
  /**
   * A tenant: exists as soon as it is named.
   *
   * @throws {TenureError} `invalid_tenant_id`
   */
  tenant(id: string): Tenant;
  /** Ids of the tenants that have deployed code, a page at a time (at most 1,000). */
  tenants(
    options?: { readonly cursor?: string; readonly limit?: number },
  ): Promise<{ readonly tenants: readonly string[]; readonly cursor?: string }>;
  /**
   * Registers a workflow of the host itself: every tenant has it, no tenant's code can take its name. Register the
   * same in every process, before it has to run.
   */
  register(name: string, workflow: WorkflowLike, options: { readonly version: string }): void;
  /**
   * Lets the store be written in the newest format that this release knows. Until then a release writes what its store
   * is written in, which the release before it can read: so both can share the store, and the newer one can be taken
   * back. Call it when the older one is gone for good: from then on that one refuses the store (`storage_newer`), and
   * loses nothing. Durable when it resolves; does nothing when there is nothing newer, and may be repeated.
   *
   * @throws {TenureError} `storage_newer` when the engine that owns the store, or a shard of it, is of an older release
   */
  upgradeFormat(): Promise<void>;
  /**
   * Ends it: bodies that run get `timeout` ms to end, then are released for the next owner. Never rejects; says how
   * many attempts were cut off.
   */
  close(options?: { readonly timeout?: number }): Promise<{ readonly released: number }>;
  /** {@linkcode Tenure.close} */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the core cannot bring itself: how classes of the host are run. */
export interface Internals {
  /** Makes the sandbox of registered classes, found by version and name. */
  readonly hostSandbox: (find: (version: string, name: string) => WorkflowLike | undefined) => SandboxAdapter;
  /** When schedules are due. */
  readonly cron: Cron;
  /**
   * The newest format that this release knows: to be another release in a test.
   *
   * @default {1}
   */
  readonly format?: number;
  /** Smaller ones in a test, so that a small world comes to what takes thousands of instances otherwise. */
  readonly bounds?: Bounds;
}

/** The version under which the journal pins a registered class. */
function hostVersion(version: string): string {
  return `host:${version}`;
}

/**
 * Opens the storage and starts the engine.
 *
 * @throws {TenureError} when the storage cannot be opened (`storage_unavailable`, `storage_newer`)
 */
export async function createTenure(options: TenureOptions, internals: Internals): Promise<Tenure> {
  const { sandbox, env, lease = 15_000 } = options;
  if (!(Number.isFinite(lease) && lease >= 1_000)) {
    throw new TenureError("invalid_argument", `Cannot lease shards for ${quote(lease)} ms: at least 1,000 are needed`);
  }
  const clock = options.clock ?? systemClock();
  const registered = new Map<string, { readonly version: string; readonly workflow: WorkflowLike }>();
  const hosts = internals.hostSandbox((version, name) => {
    const found = registered.get(name);
    return found !== undefined && hostVersion(found.version) === version ? found.workflow : undefined;
  });
  const store = await options.storage.open();
  const reads = callerStore(store);
  const codes = createCodeStore(options.code ?? store.blobs);
  const formats = createFormats(store, internals.format ?? FORMAT);
  const limits = limitsBy(options.limits);

  const { cron } = internals;
  const opener: Opener = {
    limits,
    cron,
    registered(workflow) {
      const found = registered.get(workflow);
      return found === undefined ? undefined : hostVersion(found.version);
    },
    async open(key, version, ready, signal) {
      const { tenant, workflow, id } = key;
      const host = version.startsWith("host:");
      const adapter = host ? hosts : sandbox;
      if (adapter === undefined) {
        throw new TenureError("code_unavailable", "Cannot run the instance: the engine was created without a sandbox");
      }
      const found = registered.get(workflow);
      if (host && (found === undefined || hostVersion(found.version) !== version)) {
        const name = version.slice("host:".length);
        throw new TenureError("code_unavailable", `Cannot run "${workflow}": version "${name}" is not registered`);
      }
      const prepared = host ? { text: "", classes: [workflow] } : await codes.get(tenant, version);
      const bindings = env === undefined ? NO_ENV : await env({ tenantId: tenant, version, workflow, instanceId: id });
      const granted = bindings === NO_ENV ? NOTHING_GRANTED : grant(bindings, { tenantId: tenant, workflow, instance: id });
      const init = { tenant, version, prepared, limits: limits(tenant), ready };
      const guest = await opened(adapter, init, signal);
      return { guest, mediated: adapter.caps.mediated, ...granted, ...(guest.call !== undefined && { call: guest.call }) };
    },
    warm: () => void sandbox?.warm?.().catch(() => {}),
    log({ tenant, workflow, id }, { level, text, step }) {
      try {
        options.logger?.[level](text, { tenantId: tenant, workflow, instanceId: id, step });
      } catch {
        // a logger that throws is the platform's own trouble, and no instance's
      }
    },
  };

  const engine = createEngine({
    store,
    clock,
    opener,
    formats,
    own: options.engine ?? true,
    maxRunning: options.maxRunning ?? 2_000,
    bounds: internals.bounds ?? USUAL_BOUNDS,
    lease: lease / 2,
  });
  try {
    for (let shard = 0; shard < store.shards; shard++) await formats.check(shard);
    await engine.start();
  } catch (error) {
    await store.close().catch(() => {});
    throw error;
  }

  async function close({ timeout = 10_000 }: { readonly timeout?: number } = {}): Promise<{ readonly released: number }> {
    const closed = await engine.close(timeout);
    await sandbox?.close().catch(() => {});
    return closed;
  }

  return {
    tenant(id) {
      checkTenantId(id);
      return createTenant(id, { engine, store: reads, clock, codes, sandbox, limits, cron, reserved: (name) => registered.has(name) });
    },
    tenants: (page) => listTenants(reads, page),
    upgradeFormat: engine.upgradeFormat,
    register(name, workflow, { version }) {
      checkWorkflowName(name);
      registered.set(name, { version, workflow });
    },
    close,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}

async function opened(adapter: SandboxAdapter, init: GuestInit, signal: AbortSignal): Promise<Guest> {
  try {
    return await adapter.open(init, signal);
  } catch (error) {
    throw isUnavailable(error) ? error : new Unopened(error);
  }
}

const NO_ENV: Readonly<Record<string, unknown>> = Object.freeze({});
const NOTHING_GRANTED: Granted = grant({}, { tenantId: "", workflow: "", instance: "" });

/** The limits of a tenant, made once for each. */
function limitsBy(given: TenureOptions["limits"]): (tenant: string) => Limits {
  if (typeof given === "function") return (tenant) => ({ ...DEFAULT_LIMITS, ...given(tenant) });
  const all = Object.freeze({ ...DEFAULT_LIMITS, ...given });
  return () => all;
}
