/**
 * The bridge between a dispatcher and its tenants' workflows, with the names and signatures of Cloudflare's
 * `@cloudflare/dynamic-workflows`. What differs: metadata travels beside the params, never in them; a binding belongs to
 * one tenant from the moment it is made; and everything that a binding can do is passed on.
 *
 * @module
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "../../core/entrypoint.ts";
import type { BatchDeleteResult } from "../../core/workflow/batch.ts";
import type { BatchResult, Workflow, WorkflowInstance, WorkflowInstanceCreateOptions } from "../../core/workflow.ts";
import { type BoundWorkflow, boundTo } from "./bound.ts";
import { metadataOf } from "./metadata.ts";
import { type EntrypointContext, exports as workersExports, WorkerEntrypoint } from "./workers.ts";

/** What a dispatcher attaches to every instance, to find the tenant's code again. Its tenants never see it. */
export type DispatcherMetadata = Record<string, unknown>;

/** An event as a runner is given it. */
export interface WorkflowEventLike<T = unknown> {
  /** The tenant's own params. */
  readonly payload: T;
  /** When the instance was created. */
  readonly timestamp: Date;
  /** Its id. */
  readonly instanceId: string;
  /** Name of the workflow in the config. */
  readonly workflowName?: string;
}

/** A step, which is handed on and not looked at. */
export type WorkflowStepLike = object;

/** What a dispatcher delegates to: `stub.getEntrypoint("TenantWorkflow")` of a Worker Loader is one. */
export type WorkflowRunner<T = unknown, R = unknown> = {
  /** Runs the tenant's workflow. */
  run(event: WorkflowEventLike<T>, step: WorkflowStepLike): Promise<R>;
};

/** What a {@linkcode LoadWorkflowRunner} is given. */
export interface LoadWorkflowRunnerContext<Env = unknown> {
  /** What {@linkcode wrapWorkflowBinding} was given: a copy. */
  readonly metadata: DispatcherMetadata;
  /** The dispatcher's env. */
  readonly env: Env;
  /** Its context. */
  readonly ctx: EntrypointContext;
}

/** Finds the tenant's code for an instance. Called whenever a run begins or goes on after a rest. */
export type LoadWorkflowRunner<Env = unknown, T = unknown, R = unknown> = (
  context: LoadWorkflowRunnerContext<Env>,
) => Promise<WorkflowRunner<T, R>> | WorkflowRunner<T, R>;

/** Options of {@linkcode wrapWorkflowBinding}. */
export interface WrapWorkflowBindingOptions {
  /**
   * Name of the workflow binding in the dispatcher's config.
   *
   * @default {"WORKFLOWS"}
   */
  readonly bindingName?: string;
}

/** What a stub of {@linkcode DynamicWorkflowBinding} is made with. */
export interface DynamicWorkflowBindingProps {
  /** Name of the workflow binding. */
  readonly bindingName: string;
  /** The dispatcher's metadata. */
  readonly metadata: DispatcherMetadata;
}

/** An instance was made by the dispatcher's own binding, not by a wrapped one: it has no metadata. */
export class MissingDispatcherMetadataError extends Error {
  /** `MissingDispatcherMetadataError`. */
  override readonly name: string = "MissingDispatcherMetadataError";
  /** Says what to do. */
  constructor() {
    super(
      "dynamic-workflows: workflow event is missing dispatcher metadata. Did you forget to wrap the Workflow binding with wrapWorkflowBinding()?",
    );
  }
}

/**
 * The class behind wrapped bindings. A dispatcher re-exports it, as on Cloudflare; its instances are made by
 * {@linkcode wrapWorkflowBinding}.
 */
export class DynamicWorkflowBinding extends WorkerEntrypoint<Record<string, unknown>, DynamicWorkflowBindingProps> {
  #bound(): BoundWorkflow {
    return boundTo(this.env, this.ctx.props);
  }
  /** See `Workflow`; the instance is the tenant's. */
  create(options?: WorkflowInstanceCreateOptions): Promise<WorkflowInstance> {
    return this.#bound().create(options);
  }
  /** See `Workflow`: both forms. */
  createBatch(batch: unknown): Promise<WorkflowInstance[] | BatchResult> {
    return this.#bound().createBatch(batch as never) as Promise<WorkflowInstance[] | BatchResult>;
  }
  /** See `Workflow`; finds instances of the tenant only. */
  get(id: string): Promise<WorkflowInstance> {
    return this.#bound().get(id);
  }
  /** See `Workflow`; forgets instances of the tenant only. */
  deleteBatch(ids: readonly string[]): Promise<BatchDeleteResult> {
    return this.#bound().deleteBatch(ids);
  }
  /** See `Workflow`; lists instances of the tenant only. */
  list(options?: Parameters<Workflow["list"]>[0]): ReturnType<Workflow["list"]> {
    return this.#bound().list(options);
  }
}

/**
 * A workflow binding for one tenant, to be put into the `env` of its code. It belongs to the tenant that `tenantOf` of
 * {@linkcode serve} finds in the metadata now; nothing that the tenant sends changes that.
 *
 * @throws {Error} when the dispatcher does not re-export {@linkcode DynamicWorkflowBinding}
 * @throws {TenureError} `invalid_argument` when there is no tenant in the metadata, or no such binding
 */
export function wrapWorkflowBinding(metadata: DispatcherMetadata, options: WrapWorkflowBindingOptions = {}): BoundWorkflow {
  const factory = workersExports["DynamicWorkflowBinding"];
  if (typeof factory !== "function") {
    throw new Error(
      "dynamic-workflows: `DynamicWorkflowBinding` is not registered on `cloudflare:workers` exports. Add `export { DynamicWorkflowBinding } from 'dynamic-workflows';` to your dispatcher's main module.",
    );
  }
  return factory({ props: { bindingName: options.bindingName ?? "WORKFLOWS", metadata } }) as BoundWorkflow;
}

/**
 * Delegates a run to the tenant's code: what {@linkcode createDynamicWorkflowEntrypoint} is made of, for a class of the
 * dispatcher's own.
 *
 * @throws {MissingDispatcherMetadataError} when the instance was not made by a wrapped binding
 */
export async function dispatchWorkflow<Env, Params, Result>(
  context: { readonly env: Env; readonly ctx: unknown },
  event: WorkflowEventLike<unknown>,
  step: WorkflowStepLike,
  loadRunner: LoadWorkflowRunner<Env, Params, Result>,
): Promise<Result> {
  const metadata = metadataOf(event);
  if (metadata === undefined) throw new MissingDispatcherMetadataError();
  const runner = await loadRunner({ metadata, env: context.env, ctx: context.ctx as EntrypointContext });
  return runner.run(event as WorkflowEventLike<Params>, step);
}

/** A class for `class_name` of the config, which delegates every run to what `loadRunner` finds. */
export function createDynamicWorkflowEntrypoint<Env = unknown, Params = unknown, Result = unknown>(
  loadRunner: LoadWorkflowRunner<Env, Params, Result>,
): new (ctx: WorkflowEntrypoint["ctx"], env: Env) => WorkflowEntrypoint<Env, Params> {
  return class DynamicWorkflowEntrypoint extends WorkflowEntrypoint<Env, Params> {
    override run(event: Readonly<WorkflowEvent<Params>>, step: WorkflowStep): Promise<Result> {
      return dispatchWorkflow({ env: this.env, ctx: this.ctx }, event, step, loadRunner);
    }
  };
}
