/**
 * One tenant: its code, its workflows. Nothing that is asked of it reaches another tenant.
 *
 * @module
 */
import type { CallerStore } from "./caller_store.ts";
import { deployable } from "./code/deployable.ts";
import { hashCode } from "./code/code_store.ts";
import type { CodeStore } from "./code/code_store.ts";
import { type DeployedVersion, findVersion, readTenant, tenantCell } from "./code/tenant_record.ts";
import { pageSize, readCursor, writeCursor } from "./pages.ts";
import { quote, TenureError } from "./errors.ts";
import { checkWorkflowName } from "./ids.ts";
import type { Limits } from "./limits.ts";
import type { Clock } from "./ports/clock.ts";
import type { Cron } from "./ports/cron.ts";
import type { Code, SandboxAdapter } from "./ports/guest.ts";
import { readAccount } from "./shard/accounts.ts";
import { usageCell } from "./shard/quotas.ts";
import type { Engine } from "./shard/engine.ts";
import { rollOut, type UpgradeOptions, type UpgradeReport } from "./shard/rollout.ts";
import { deleteTenant } from "./shard/deletion.ts";
import { createWorkflow, type Workflow } from "./workflow.ts";

/** A class whose instances have a `run`: what {@linkcode Tenant.workflow} infers params and output from. */
// deno-lint-ignore no-explicit-any
export type WorkflowLike = abstract new (...args: any[]) => { run(event: any, step: any): unknown };

/** Params of a workflow class. */
export type ParamsOf<C extends WorkflowLike> = Parameters<InstanceType<C>["run"]>[0] extends { payload: infer P } ? P : unknown;
/** Output of a workflow class. */
export type OutputOf<C extends WorkflowLike> = Awaited<ReturnType<InstanceType<C>["run"]>>;

/** A deployed version of a tenant's code. */
export interface Version extends DeployedVersion {
  /** Whether new instances get it. */
  readonly active: boolean;
}

/**
 * What {@linkcode Tenant.usage} answers, as committed. Of an instance that runs it says what it had come to when it was
 * last begun or at rest: the rest is counted when it next rests or ends.
 */
export interface TenantUsage {
  /** Instances that have not ended: what `limits.instances` limits. */
  readonly instances: number;
  /** Instances, those that have ended and are kept too. */
  readonly kept: number;
  /** Bytes of their journals and streams, as `limits.journalBytes` counts them. */
  readonly journalBytes: number;
  /** Lives begun so far: creations and restarts. */
  readonly creates: number;
  /** Steps begun so far, each once however often it was tried. */
  readonly steps: number;
  /** Guests opened so far: for a run that begins, and for one that goes on after a rest. Without those that died with their process. */
  readonly wakes: number;
  /**
   * How long turns of its runs have kept the engine's thread busy so far, ms: tenant's code, and our work for it. Of a
   * guest that takes a task of its own for a turn (`trusted()`) without that code. What died with its process is not in it.
   */
  readonly cpuMs: number;
  /** Since when it is counted; `null`: there was nothing to count yet. */
  readonly since: Date | null;
}

/** A tenant of the platform. */
export interface Tenant {
  /** Its id. */
  readonly id: string;
  /** The limits that hold for it. */
  readonly limits: Limits;
  /**
   * Checks code, keeps it by its content hash and makes it the version that new instances get; instances that exist
   * stay on theirs. A text is one TypeScript module.
   *
   * @throws {CodeError} with file, line and column, when it cannot run; nothing is kept then
   */
  deploy(code: Code | string): Promise<{ readonly version: string; readonly workflows: readonly string[] }>;
  /**
   * Deletes all that there is of it: instances (those that run are ended, children too), schedules, streams, code,
   * account. Resolves when nothing is left, and may be asked for again after a failure. What is asked for meanwhile,
   * in this process or another, may be deleted with the rest, or begin the tenant anew: so nothing should be.
   *
   * docs/storage.md says when each storage has overwritten the bytes.
   */
  delete(): Promise<void>;
  /** Its versions, oldest first. */
  versions(): Promise<readonly Version[]>;
  /** Makes a deployed version the one that new instances get. */
  activate(version: string): Promise<void>;
  /**
   * Moves live instances to another version, each after that version was led through its history: one that does not
   * keep to it stays where it is and is named, with both sides. Running steps come to their end in their own version
   * first; no body is cut off, none runs again. What is paused or parked is moved and stays so: `resume()` it.
   *
   * With `dryRun` nothing moves: it says who would break, and where. The version need not be the active one; of
   * workflows that the platform has registered it is `host:` and the version registered.
   *
   * @example
   * ```ts ignore
   * const { version } = await acme.deploy(fixed);
   * const { broken } = await acme.upgrade(version, { dryRun: true });
   * // [{ workflow: "OrderFlow", id: "order-7", code: "nondeterministic", expected: 'step "charge"', found: 'step "bill"', message: … }]
   * if (broken.length === 0) await acme.upgrade(version);
   * ```
   *
   * @throws {TenureError} `version_not_found`
   */
  upgrade(version: string, options?: UpgradeOptions): Promise<UpgradeReport>;
  /** What it has, and what it has used since it was first seen: exact, through crashes and takeovers. */
  usage(): Promise<TenantUsage>;
  /** A workflow by the name of its class. */
  workflow<C extends WorkflowLike>(workflow: C): Workflow<ParamsOf<C>, OutputOf<C>>;
  /** The same by name, typed by the class: `workflow<typeof OrderFlow>("OrderFlow")`. */
  workflow<C extends WorkflowLike>(name: string): Workflow<ParamsOf<C>, OutputOf<C>>;
  /** The same by name, typed by hand. The name defaults to `TenantWorkflow`. */
  workflow<Params = unknown, Output = unknown>(name?: string): Workflow<Params, Output>;
}

/** What a tenant is made of. */
export interface TenantParts {
  readonly engine: Engine;
  readonly store: CallerStore;
  readonly clock: Clock;
  readonly codes: CodeStore;
  readonly sandbox: SandboxAdapter | undefined;
  readonly limits: (tenant: string) => Limits;
  readonly cron: Cron;
  /** Whether the platform has registered a workflow of this name. */
  readonly reserved: (name: string) => boolean;
}

/** Makes one of a checked id. */
export function createTenant(id: string, parts: TenantParts): Tenant {
  const { engine, store, clock, codes, sandbox } = parts;
  const limits = (): Limits => parts.limits(id);
  return {
    id,
    get limits() {
      return limits();
    },
    async deploy(given) {
      if (sandbox === undefined) {
        throw new TenureError("sandbox_missing", "Cannot deploy code: the engine was created without a sandbox");
      }
      const code = deployable(given);
      const version = await hashCode(code);
      const prepared = await sandbox.prepare(id, code, limits());
      const taken = prepared.classes.find(parts.reserved);
      if (taken !== undefined) {
        throw new TenureError("reserved_name", `Cannot deploy the class "${taken}": the platform has a workflow of this name`);
      }
      await codes.put(id, version, code, sandbox.name, prepared);
      await engine.submit({ verb: "deploy", tenant: id, version, classes: prepared.classes });
      return { version, workflows: prepared.classes };
    },
    async versions() {
      const record = readTenant(await store.cell(engine.shardOf(id), tenantCell(id)));
      return (record?.versions ?? []).map((v) => ({ ...v, active: v.version === record?.active }));
    },
    delete: () => deleteTenant({ engine, store, codes, tenant: id }),
    activate: (version) => engine.submit({ verb: "activate", tenant: id, version }),
    async upgrade(version, options = {}) {
      if (typeof version !== "string" || !version.startsWith("host:")) {
        const record = readTenant(await store.cell(engine.shardOf(id), tenantCell(id)));
        if (findVersion(record, version) === undefined) {
          throw new TenureError("version_not_found", `Cannot move instances to the version ${quote(version)}: it was never deployed`);
        }
      }
      return rollOut({ engine, store, tenant: id, version }, options);
    },
    async usage() {
      const text = await store.cell(engine.shardOf(id), usageCell(id));
      const { living: instances, kept, bytes: journalBytes, creates, steps, wakes, cpu: cpuMs, since } = readAccount(text);
      return { instances, kept, journalBytes, creates, steps, wakes, cpuMs, since: since === 0 ? null : new Date(since) };
    },
    workflow(workflow: unknown = "TenantWorkflow") {
      const name = typeof workflow === "function" ? workflow.name : workflow;
      checkWorkflowName(name);
      return createWorkflow({ tenant: id, name, engine, store, clock, limits, cron: parts.cron });
    },
  } as Tenant;
}

/** Ids of the tenants that have deployed code, shard by shard. */
export async function listTenants(
  store: CallerStore,
  { cursor, limit }: { readonly cursor?: string; readonly limit?: number } = {},
): Promise<{ readonly tenants: readonly string[]; readonly cursor?: string }> {
  const size = pageSize(limit);
  const prefix = tenantCell("");
  const from = cursor === undefined ? [0, ""] : readCursor(cursor, ["number", "string"]);
  const tenants: string[] = [];
  let after = from[1] as string;
  for (let shard = from[0] as number; shard < store.shards; shard++, after = "") {
    const rest = size - tenants.length;
    const cells = await store.cells(shard, { prefix, limit: rest, ...(after !== "" && { after }) });
    for (const { key } of cells) tenants.push(key.slice(prefix.length));
    const last = cells[cells.length - 1];
    if (cells.length === rest && last !== undefined) return { tenants, cursor: writeCursor([shard, last.key]) };
  }
  return { tenants };
}
