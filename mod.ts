/**
 * Durable execution, per tenant, embedded in any JavaScript host.
 *
 * @module
 */
export { createTenure } from "./adapters/create_tenure.ts";
export { type BindingCall, type BindingMethods, perCall, type PerCallBinding } from "./core/bindings.ts";
export type { DeployedVersion } from "./core/code/tenant_record.ts";
export {
  NonRetryableError,
  type WorkflowBackoff,
  type WorkflowCallbackContext,
  WorkflowEntrypoint,
  type WorkflowEvent,
  type WorkflowExecutionContext,
  type WorkflowSleepDuration,
  type WorkflowStep,
  type WorkflowStepConfig,
  type WorkflowStepContext,
  type WorkflowStepEvent,
} from "./core/entrypoint.ts";
export { CodeError, type Diagnostic, type ErrorCode, TenureError, WorkflowError } from "./core/errors.ts";
export type { Caller } from "./core/execution/desk.ts";
export type { HistoryEntry } from "./core/history.ts";
export type { Status } from "./core/instance/state.ts";
export { DEFAULT_LIMITS, type Limits } from "./core/limits.ts";
export type { Blobs } from "./core/ports/blobs.ts";
export type { Clock } from "./core/ports/clock.ts";
export type { Code, SandboxAdapter } from "./core/ports/guest.ts";
export type { StorageAdapter, Store } from "./core/ports/store.ts";
export type { OutputOf, ParamsOf, Tenant, Version, WorkflowLike } from "./core/tenant.ts";
export type { EnvRequest, LogContext, Logger, Tenure, TenureOptions } from "./core/tenure.ts";
export type {
  BatchError,
  BatchResult,
  InstanceStatus,
  Workflow,
  WorkflowInstance,
  WorkflowInstanceCreateOptions,
  WorkflowInstanceEvent,
} from "./core/workflow.ts";
export { ValueError } from "./core/values.ts";
