/**
 * The errors that a caller can meet, and the closed union of their codes.
 *
 * A message reads `Cannot <act> "<value>": <reason>`; a `code` never changes its meaning. Where Cloudflare's text
 * carries a code in brackets (`(instance.not_found)`), ours starts with it, because callers match on it.
 *
 * @module
 */

/** Every `code` that an error of this package can have. docs/errors.md says of each what happened, what was kept and what to do. */
export type ErrorCode =
  // what the caller asked for
  | "invalid_tenant_id"
  | "invalid_instance_id"
  | "invalid_workflow_name"
  | "invalid_argument"
  | "invalid_event_type"
  | "invalid_duration"
  | "not_serialisable"
  | "malformed_value"
  | "too_large"
  | "instance.not_found"
  | "instance.already_exists"
  | "instance.cannot_terminate"
  | "instance.cannot_restart"
  | "instance.ended"
  | "workflow_not_found"
  | "version_not_found"
  | "schedule_not_found"
  | "no_active_version"
  | "reserved_name"
  | "quota_exceeded"
  // a tenant's code
  | "code_invalid"
  | "code_unavailable"
  // the platform
  | "storage_unavailable"
  | "outcome_unknown"
  | "storage_newer"
  | "corrupt"
  | "sandbox_missing"
  | "unsupported"
  | "already_serving"
  | "closed";

/** Anything that goes wrong between a caller and the engine. */
export class TenureError extends Error {
  /** `TenureError`, or the name of a class below. */
  override readonly name: string = "TenureError";
  /** Stable, for programs. */
  readonly code: ErrorCode;
  /** Makes one. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
  /** Whether a value is one, also across copies of this package. */
  static is(value: unknown): value is TenureError {
    return value instanceof Error && typeof (value as { code?: unknown }).code === "string" &&
      /^(Tenure|Code|Workflow)Error$/.test(value.name);
  }
}

/** A problem in a tenant's code, and where. */
export interface Diagnostic {
  /** Module name as deployed. */
  readonly file: string;
  /** From 1; 0 when unknown. */
  readonly line: number;
  /** From 1; 0 when unknown. */
  readonly column: number;
  /** What is wrong, one sentence. */
  readonly message: string;
}

/** Code that cannot be deployed. The message starts with `file:line:column`. */
export class CodeError extends TenureError {
  /** `CodeError`. */
  override readonly name: string = "CodeError";
  /** All that was found, at least one. */
  readonly diagnostics: readonly Diagnostic[];
  /** Makes one of at least one diagnostic. */
  constructor(diagnostics: readonly Diagnostic[], options?: ErrorOptions) {
    const first = diagnostics[0] ?? { file: "", line: 0, column: 0, message: "the code cannot run" };
    const where = first.line > 0 ? `${first.file}:${first.line}:${first.column}` : first.file;
    super("code_invalid", `Cannot deploy the code: ${where === "" ? "" : where + ": "}${first.message}`, options);
    this.diagnostics = diagnostics;
  }
}

/** An error of a workflow instance or of the binding, with the texts of the original where they are contract. */
export class WorkflowError extends TenureError {
  /** `WorkflowError`. */
  override readonly name: string = "WorkflowError";
}

/** What a caller gave, cut so that it can stand in a message. Total: nothing of an object is read. */
export function quote(given: unknown): string {
  const known = (typeof given !== "object" && typeof given !== "function") || given === null;
  const s = known ? String(given) : `[${typeof given}]`;
  return `"${s.length > 60 ? s.slice(0, 57) + "…" : s}"`;
}
