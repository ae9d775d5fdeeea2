/**
 * Workflow bindings that belong to one tenant.
 *
 * @module
 */
import { quote, TenureError } from "../../core/errors.ts";
import type { Workflow, WorkflowInstance, WorkflowInstanceCreateOptions } from "../../core/workflow.ts";
import type { WorkflowInstanceSubscribeOptions } from "../../core/workflow/subscription.ts";

/** A binding as a tenant has it: Cloudflare's, and `list`. */
export type BoundWorkflow = Omit<Workflow, "schedules">;

/** Gives the dispatcher's binding for whoever the metadata names. */
export const BIND: unique symbol = Symbol("tenure.cloudflare.bind");

/** A binding of the dispatcher: its own instances, and a way to those of its tenants. */
export interface DispatcherWorkflow extends BoundWorkflow {
  /** The tenant's binding. */
  [BIND](metadata: Readonly<Record<string, unknown>>): BoundWorkflow;
}

/**
 * The binding of the env that props name, for the tenant that they name.
 *
 * @throws {TenureError} `invalid_argument` when there is no such binding, or no tenant in the metadata
 */
export function boundTo(
  env: Readonly<Record<string, unknown>>,
  { bindingName, metadata }: { readonly bindingName: string; readonly metadata: Readonly<Record<string, unknown>> },
): BoundWorkflow {
  const binding = Object.hasOwn(env, bindingName) ? env[bindingName] as Partial<DispatcherWorkflow> | null : undefined;
  const bind = binding?.[BIND];
  if (bind === undefined) {
    throw new TenureError(
      "invalid_argument",
      `dynamic-workflows: no Workflow binding named ${quote(bindingName)} found on env. Make sure the dispatcher declares it in wrangler.`,
    );
  }
  return bind(metadata);
}

/** A binding that takes what a tenant may say about an instance, and adds what the platform says. */
export function boundWorkflow(workflow: Workflow, metadata: Readonly<Record<string, unknown>> | undefined): BoundWorkflow {
  const told = (options: WorkflowInstanceCreateOptions | undefined): WorkflowInstanceCreateOptions => {
    if (typeof options !== "object" || options === null) return options === undefined ? noted : options;
    const { version: _version, metadata: _metadata, ...rest } = options;
    return { ...rest, ...noted };
  };
  const noted = metadata === undefined ? {} : { metadata };
  return {
    create: (options) => workflow.create(told(options)),
    createBatch: ((batch: unknown) => {
      if (Array.isArray(batch)) return workflow.createBatch(batch.map(told));
      const { instances } = (batch ?? {}) as { instances?: unknown };
      if (Array.isArray(instances)) return workflow.createBatch({ instances: instances.map(told) });
      return workflow.createBatch(told(batch as never) as never);
    }) as Workflow["createBatch"],
    get: (id) => workflow.get(id),
    deleteBatch: (ids) => workflow.deleteBatch(ids),
    list: (options) => workflow.list(options),
  };
}

/** What a guest calls in place of a binding: plain values in and out, the instance named by its id. */
export function remoteWorkflow(workflow: BoundWorkflow): Readonly<Record<string, (...args: never[]) => unknown>> {
  const idOf = ({ id }: WorkflowInstance): { id: string } => ({ id });
  const on = <A extends unknown[], R>(verb: (instance: WorkflowInstance, ...args: A) => R) => async (id: string, ...args: A) => verb(await workflow.get(id), ...args);
  return {
    create: async (options?: WorkflowInstanceCreateOptions) => idOf(await workflow.create(options)),
    createBatch: async (batch: never) => {
      const made = await workflow.createBatch(batch) as WorkflowInstance[] | { created: WorkflowInstance[]; errors: unknown[] };
      return Array.isArray(made) ? made.map(idOf) : { created: made.created.map(idOf), errors: made.errors };
    },
    get: async (id: string) => idOf(await workflow.get(id)),
    deleteBatch: (ids: string[]) => workflow.deleteBatch(ids),
    list: (options?: Parameters<Workflow["list"]>[0]) => workflow.list(options),
    status: on((instance) => instance.status()),
    pause: on((instance) => instance.pause()),
    resume: on((instance) => instance.resume()),
    terminate: on((instance, options?: { rollback?: boolean }) => instance.terminate(options)),
    restart: on((instance, options?: Parameters<WorkflowInstance["restart"]>[0]) => instance.restart(options)),
    sendEvent: on((instance, event: Parameters<WorkflowInstance["sendEvent"]>[0]) => instance.sendEvent(event)),
    delete: on((instance) => instance.delete()),
    // by cursor, so that who reads holds no place here
    next: on(async (instance, options?: WorkflowInstanceSubscribeOptions) => {
      const events = await instance.subscribe(options);
      try {
        return await events.next();
      } finally {
        events[Symbol.dispose]();
      }
    }),
  };
}
