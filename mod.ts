/**
 * Durable execution, per tenant, embedded in any JavaScript host.
 *
 * @module
 */
export { createTenure } from "./adapters/sandbox/trusted/create_tenure.ts";
export { type BindingCall, type BindingMethods, perCall, type PerCallBinding } from "./core/execution/bindings.ts";
export type { DeployedVersion } from "./core/code/tenant_record.ts";
export {
  NonRetryableError,
  type WorkflowBackoff,
  type WorkflowCallbackContext,
  type WorkflowCronSchedule,
  type WorkflowDelayDuration,
  type WorkflowDelayFunction,
  type WorkflowDurationLabel,
  type WorkflowDynamicDelayContext,
  WorkflowEntrypoint,
  type WorkflowEvent,
  type WorkflowExecutionContext,
  type WorkflowRollbackContext,
  type WorkflowRollbackHandler,
  type WorkflowSleepDuration,
  type WorkflowStep,
  type WorkflowStepCallback,
  type WorkflowStepConfig,
  type WorkflowStepConfigWithDelayFunction,
  type WorkflowStepConfigWithStaticDelay,
  type WorkflowStepContext,
  type WorkflowStepEvent,
  type WorkflowStepRollbackConfig,
  type WorkflowInvoke,
  type WorkflowInvokeOptions,
  type WorkflowStepRollbackOptions,
  type WorkflowStepSensitivity,
  type WorkflowTimeoutDuration,
} from "./core/entrypoint.ts";
export { CodeError, type Diagnostic, type ErrorCode, TenureError, WorkflowError } from "./core/errors.ts";
export type { Caller } from "./core/execution/desk.ts";
export type { HistoryEntry } from "./core/instance/history.ts";
export type { Kind as CommandKind } from "./core/instance/records.ts";
export type { Status } from "./core/instance/state.ts";
export { DEFAULT_LIMITS, type Limits } from "./core/limits.ts";
export type { Blobs } from "./core/ports/blobs.ts";
export type { Clock } from "./core/ports/clock.ts";
export type { Cron } from "./core/ports/cron.ts";
export type {
  Code,
  Death,
  ErrorSummary,
  Guest,
  GuestCaller,
  GuestCaps,
  GuestInit,
  Prepared,
  SandboxAdapter,
  Turn,
} from "./core/ports/guest.ts";
export type {
  Append,
  Due,
  DueQuery,
  FindQuery,
  Head,
  Image,
  InstanceKey,
  JournalPart,
  Lease,
  Member,
  Message,
  ShardBatch,
  StorageAdapter,
  Store,
  StoreCaps,
  Survey,
} from "./core/ports/store.ts";
export type { Departure } from "./core/execution/rehearsal.ts";
export type { BrokenInstance, UpgradeOptions, UpgradeReport, SkippedInstance } from "./core/shard/rollout.ts";
export type { SkipCode } from "./core/shard/requests.ts";
export type { RetentionOptions } from "./core/retention.ts";
export type { Backfill, Schedule, ScheduleOptions, WorkflowSchedules } from "./core/shard/schedule_calls.ts";
export type { CatchUp, Overlap } from "./core/shard/schedule_record.ts";
export type { OutputOf, ParamsOf, Tenant, TenantUsage, Version, WorkflowLike } from "./core/tenant.ts";
export type { EnvRequest, LogContext, Logger, Tenure, TenureOptions } from "./core/tenure.ts";
export type { Placement, WorkflowInstanceJurisdiction, WorkflowInstanceLocationHint } from "./core/placement.ts";
export type { BatchDeleteResult, BatchError } from "./core/workflow/batch.ts";
export type {
  BatchResult,
  InstanceStatus,
  WorkflowEventInput,
  Workflow,
  WorkflowInstance,
  WorkflowInstanceCreateOptions,
} from "./core/workflow.ts";
export type {
  EventOfAttempt,
  EventOfFailure,
  EventOfStep,
  FeedEvent,
  ShownStepConfig,
  WorkflowInstanceEvent,
  WorkflowInstanceEventType,
} from "./core/instance/feed_types.ts";
export type { ConcurrencyOptions } from "./core/workflow/concurrency.ts";
export type { WorkflowInstanceRestartOptions } from "./core/workflow/restart_options.ts";
export type { WorkflowInstanceSubscribeOptions, WorkflowInstanceSubscription } from "./core/workflow/subscription.ts";
export { ValueError, type ValueErrorCode } from "./core/values.ts";
