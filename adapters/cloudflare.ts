/**
 * A Cloudflare dispatcher off Cloudflare: the bridge of `@cloudflare/dynamic-workflows` by its own names, and
 * {@linkcode serve}, which runs a dispatcher as it stands.
 *
 * @module
 */
export {
  createDynamicWorkflowEntrypoint,
  type DispatcherMetadata,
  dispatchWorkflow,
  DynamicWorkflowBinding,
  type DynamicWorkflowBindingProps,
  type LoadWorkflowRunner,
  type LoadWorkflowRunnerContext,
  MissingDispatcherMetadataError,
  type WorkflowEventLike,
  type WorkflowRunner,
  type WorkflowStepLike,
  wrapWorkflowBinding,
  type WrapWorkflowBindingOptions,
} from "./cloudflare/bridge.ts";
export type { BoundWorkflow } from "./cloudflare/bound.ts";
export type { WranglerConfig } from "./cloudflare/config.ts";
export type { DispatcherModule } from "./cloudflare/exports.ts";
export type { EntrypointOptions, EntrypointStub, WorkerLoader, WorkerStub } from "./cloudflare/loader.ts";
export { serve, type Served, type ServeOptions } from "./cloudflare/serve.ts";
export type { Fetcher } from "./cloudflare/outbound.ts";
export type { Tail, TraceEvent, TraceItem, TraceOutcome } from "./cloudflare/traces.ts";
export type { WorkerCode, WorkerLimits } from "./cloudflare/worker_code.ts";
export type { WorkerModule } from "./cloudflare/worker_modules.ts";
export type { EntrypointContext } from "./cloudflare/workers.ts";
