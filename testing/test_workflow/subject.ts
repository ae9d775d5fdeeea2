/**
 * The workflow under test, and processes that run it.
 *
 * @module
 */
import type { Clock } from "../../core/ports/clock.ts";
import type { Code, SandboxAdapter } from "../../core/ports/guest.ts";
import type { StorageAdapter, Store } from "../../core/ports/store.ts";
import type { WorkflowLike } from "../../core/tenant.ts";
import { createTenure, type Tenure, type TenureOptions } from "../../core/tenure.ts";
import type { Workflow } from "../../core/workflow.ts";
import { croner, type HostClass, hostSandbox } from "../adapters.ts";
import type { VirtualClock } from "../virtual_clock.ts";
import { type Watch, watchEnv, watchSandbox, watchStorage } from "../virtual_clock/watch.ts";
import { type GuestOwner, type Tap, tapped } from "./tap.ts";

/** A workflow: a class of the host, or a tenant's source (one module as a text, or several by name). */
export type Subject = WorkflowLike | string | Code;

/** How a subject is run. */
export interface SubjectOptions extends Pick<TenureOptions, "env" | "limits" | "logger" | "sandbox"> {
  readonly clock: VirtualClock;
  readonly tenantId: string;
  /** Name of the class, where the source has more than one. */
  readonly workflow: string | undefined;
}

/** A subject that is deployed. */
export interface Deployed {
  readonly tenantId: string;
  /** The name of its class. */
  readonly workflow: string;
  /** Starts a process that runs it, on a storage. */
  start(process: ProcessParts): Promise<Tenure>;
}

/** What a process has of its own. */
export interface ProcessParts extends Pick<TenureOptions, "engine" | "maxRunning"> {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
  readonly watch: Watch;
  readonly tap: Tap;
  readonly owner: GuestOwner;
  /** Its connection, as it is to see it. */
  readonly connect: (store: Store) => Store;
}

/** The binding of the workflow in one process. */
export function workflowIn(tenure: Tenure, { tenantId, workflow }: Pick<Deployed, "tenantId" | "workflow">): Workflow {
  return tenure.tenant(tenantId).workflow(workflow);
}

/**
 * Deploys a subject on a storage.
 *
 * @throws {TypeError} when it is a source and there is no sandbox, or when it is not clear which class is meant
 */
export async function deploy(subject: Subject, storage: StorageAdapter, options: SubjectOptions): Promise<Deployed> {
  const { clock, tenantId, env, limits, logger } = options;
  const Class = typeof subject === "function" ? subject : undefined;
  const name = options.workflow ?? Class?.name ?? "";
  const sandbox = Class === undefined && options.sandbox !== undefined ? lent(options.sandbox) : undefined;

  async function start({ storage, connect, clock: own, watch, tap, owner, ...rest }: ProcessParts): Promise<Tenure> {
    const guarded = (inner: SandboxAdapter): SandboxAdapter => tapped(watchSandbox(inner, watch), tap, owner);
    const watched = watchStorage(storage, watch);
    const tenure = await createTenure({
      ...rest,
      storage: { name: storage.name, open: async () => connect(await watched.open()) },
      clock: own,
      ...(sandbox && { sandbox: guarded(sandbox) }),
      ...(env && { env: watchEnv(env, clock.hold) }),
      limits: typeof limits === "function" ? limits : { retention: Infinity, ...limits },
      ...(logger && { logger }),
    }, { cron: croner(), hostSandbox: (find) => guarded(hostSandbox((version, name) => find(version, name) as HostClass, own)) });
    if (Class !== undefined) tenure.register(name, Class, { version: "test" });
    return tenure;
  }

  if (Class !== undefined) return { tenantId, workflow: name, start };
  if (sandbox === undefined) throw new TypeError("Cannot test source text without a sandbox: pass one, such as sandbox: quickjs()");
  const tenure = await start({
    storage,
    clock: clock.process({ watched: true }).clock,
    watch: { hold: clock.hold, arrivals: new Map() },
    tap: { begin: () => undefined, hold: clock.hold },
    owner: { alive: () => true, guests: new Set() },
    connect: (store) => store,
  });
  const { workflows } = await tenure.tenant(tenantId).deploy(subject as string | Code);
  await clock.until(tenure.close());
  return { tenantId, workflow: chosen(options.workflow, workflows), start };
}

function chosen(wanted: string | undefined, workflows: readonly string[]): string {
  const [only, another] = workflows;
  if (wanted === undefined && only !== undefined && another === undefined) return only;
  if (wanted !== undefined && workflows.includes(wanted)) return wanted;
  const asked = wanted === undefined ? "the code" : `"${wanted}"`;
  throw new TypeError(`Cannot test ${asked}: name one of its workflows (${workflows.join(", ")}) in the option workflow`);
}

/** One adapter serves every process of a test: closing an engine does not end it. */
function lent(sandbox: SandboxAdapter): SandboxAdapter {
  return {
    name: sandbox.name,
    caps: sandbox.caps,
    prepare: (...args) => sandbox.prepare(...args),
    open: (init, signal) => sandbox.open(init, signal),
    close: () => Promise.resolve(),
  };
}
