/**
 * What anybody can ask of the owner of a shard: the same texts in the owner's process and through the inbox.
 *
 * @module
 */
import { type ErrorCode, TenureError, WorkflowError } from "../errors.ts";
import type { Departure } from "../execution/rehearsal.ts";
import type { Place } from "../instance/decide/restart.ts";
import type { Placement } from "../placement.ts";
import type { InstanceKey } from "../ports/store.ts";
import type { Concurrency, CronSchedule, Parent } from "../instance/records.ts";
import type { Retention } from "../retention.ts";
import type { ScheduleSettings } from "./schedule_record.ts";

/** A request about one instance, or one tenant. */
export type Request =
  | ({
    readonly verb: "create";
    readonly tenant: string;
    readonly workflow: string;
    readonly id: string;
    /** The id was made at random by us: nobody can have it. */
    readonly fresh: boolean;
    /** Encoded. */
    readonly params: string;
    /** Another version than the active one. */
    readonly version?: string;
    readonly retention?: Retention;
    readonly concurrency?: Concurrency;
    /** Whose child it is: asked for again, it is there. */
    readonly parent?: Parent;
    /** The due time of a schedule that it is made for. */
    readonly schedule?: CronSchedule;
    /** What the platform notes of it, encoded. */
    readonly metadata?: string;
  } & Placement)
  | {
    readonly verb: "event";
    readonly tenant: string;
    readonly workflow: string;
    readonly id: string;
    readonly type: string;
    /** Encoded. */
    readonly payload: string;
    /** The sender's id for it. */
    readonly event?: string;
    /** When it was sent, ms. */
    readonly at: number;
  }
  | ({ readonly verb: "pause" | "resume" | "delete" } & InstanceKey)
  | ({ readonly verb: "terminate"; readonly rollback?: boolean } & InstanceKey)
  | ({ readonly verb: "restart"; readonly from?: Place; readonly version?: string } & InstanceKey)
  | {
    readonly verb: "deploy";
    readonly tenant: string;
    readonly version: string;
    readonly classes: readonly string[];
  }
  | { readonly verb: "activate"; readonly tenant: string; readonly version: string }
  /** Forgets a tenant's versions and account. */
  | { readonly verb: "forget"; readonly tenant: string }
  /** Has the shard written in a newer format. */
  | { readonly verb: "format"; readonly to: number }
  /** About a schedule, whose id is `id`. */
  | ({ readonly verb: "schedule" } & InstanceKey & ScheduleAct)
  /** Moves it to another version, or (`dryRun`) says whether it could be moved. */
  | ({ readonly verb: "upgrade"; readonly version: string; readonly dryRun: boolean } & InstanceKey);

/** What can be asked of a schedule. */
export type ScheduleAct =
  | { readonly act: "put"; readonly settings: ScheduleSettings }
  | { readonly act: "delete" | "pause" | "resume" }
  /** Makes an instance now, of this id. */
  | { readonly act: "trigger"; readonly instance: string }
  /** Makes the instance of a due time, unless it was made. */
  | { readonly act: "make"; readonly due: number };

/** A request about one instance. */
export type InstanceRequest = Exclude<Request, { verb: "deploy" | "activate" | "forget" | "format" | "schedule" }>;

/** Whose it is; `""`: nobody's. */
export function tenantOf(request: Request): string {
  return request.verb === "format" ? "" : request.tenant;
}

/** What came of an upgrade. */
export type Verdict =
  /** It was moved, or could be. */
  | { readonly is: "moved" }
  /** It is there already, or has ended. */
  | { readonly is: "current" }
  /** It would break: the version does not keep to its history. */
  | ({ readonly is: "broken" } & Departure)
  /** It could not be moved, or looked at, now. */
  | { readonly is: "skipped"; readonly code: SkipCode; readonly message: string };

/** Why an instance was left where it is although its history says nothing against it. */
export type SkipCode = "busy" | "workflow_not_found" | "code_unavailable" | "corrupt" | "storage_newer";

/** What came of a request. */
export type Outcome =
  | { readonly ok: true; readonly verdict?: Verdict }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

/** It was done, or there was nothing to do. */
export const DONE: Outcome = Object.freeze({ ok: true });

/** It was refused. */
export function refused(code: ErrorCode, message: string): Outcome {
  return { ok: false, code, message };
}

/** The error that a refusal stands for. */
export function errorOf(outcome: Extract<Outcome, { ok: false }>): TenureError {
  const { code, message } = outcome;
  return code.startsWith("instance.") ? new WorkflowError(code, message) : new TenureError(code, message);
}

/** An unknown instance; a foreign one reads the same to the letter. */
export function notFound(id: string): Outcome {
  return refused("instance.not_found", `(instance.not_found) Cannot find the instance "${id}"`);
}
