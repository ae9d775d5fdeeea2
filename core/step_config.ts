/**
 * What a step may be called and how it may be configured. Pure and strict: a guest checks what its author wrote, the
 * host checks again what a guest sent.
 *
 * @module
 */
import { parseDuration } from "./duration.ts";
import { isInstanceId, isWorkflowName } from "./id_forms.ts";
import type { StepConfig } from "./ports/guest.ts";

/** A step's config with the defaults filled in. */
export type MergedStepConfig = StepConfig;

/** The config of a step that was given none: Cloudflare's. */
export const DEFAULT_STEP_CONFIG: MergedStepConfig = Object.freeze({
  retries: Object.freeze({ limit: 5, delay: "10 seconds", backoff: "exponential" }),
  timeout: "10 minutes",
});

/** Most UTF-16 units of a step's name. */
export const MAX_STEP_NAME = 256;
/** Most retries of a step. */
export const MAX_RETRIES = 10_000;
/** Most UTF-16 units of an event's type. */
export const MAX_EVENT_TYPE = 100;

const { keys, hasOwn } = Object;
const { isArray } = Array;
const { isInteger } = Number;
const { stringify } = JSON;
const { apply } = Reflect;
const { exec } = RegExp.prototype;
const { slice } = String.prototype;
// deno-lint-ignore no-control-regex
const control = /[\x00-\x1f]/;

/**
 * The error of an invalid step: catchable, and never retried.
 *
 * Named as Cloudflare names it. A plain `Error`, because it crosses between guest and host by its name.
 */
export function fatalError(message: string): Error {
  const error = new Error(message);
  error.name = "WorkflowFatalError";
  return error;
}

/**
 * Checks the name of a step, a sleep or a wait. The empty name is one.
 *
 * @throws {Error} named `WorkflowFatalError`
 */
export function checkStepName(name: unknown): string {
  if (typeof name !== "string") throw fatalError(`Cannot use ${show(name)} as a step's name: it is not a string`);
  if (name.length > MAX_STEP_NAME) {
    throw fatalError(`Cannot use ${show(name)} as a step's name: it is longer than ${MAX_STEP_NAME} characters`);
  }
  if (apply(exec, control, [name]) !== null) {
    throw fatalError(`Cannot use ${show(name)} as a step's name: it has a control character`);
  }
  return name;
}

/**
 * Checks the type of an event.
 *
 * @throws {Error} named `WorkflowFatalError`
 */
export function checkEventType(type: unknown): string {
  if (typeof type !== "string" || type === "" || type.length > MAX_EVENT_TYPE) {
    throw fatalError(`Cannot wait for an event of type ${show(type)}: a type is a string of 1 to ${MAX_EVENT_TYPE} characters`);
  }
  return type;
}

/**
 * Checks a config that a guest sent: as an author's, but that a delay which is a function is not there.
 *
 * @throws {Error} named `WorkflowFatalError`, naming the field
 */
export function checkSentConfig(config: unknown): MergedStepConfig {
  return checkConfig(config, true);
}

/**
 * Checks a step's config and fills in the defaults. A delay that is a function is left out. Durations stay as they were written, so that `ctx.config` shows
 * what the author wrote.
 *
 * @throws {Error} named `WorkflowFatalError`, naming the field
 */
export function checkStepConfig(config: unknown): MergedStepConfig {
  return checkConfig(config, false);
}

function checkConfig(config: unknown, sent: boolean): MergedStepConfig {
  const fields = record(config, "config", ["retries", "timeout", "sensitive"]);
  const retries = fields("retries");
  const timeout = fields("timeout");
  const sensitive = fields("sensitive");
  if (sensitive !== undefined && sensitive !== "output") {
    throw fatalError(`Cannot use ${show(sensitive)} as config.sensitive: the only value is "output"`);
  }
  const merged = {
    retries: retries === undefined ? DEFAULT_STEP_CONFIG.retries : checkRetries(retries, sent),
    timeout: timeout === undefined ? DEFAULT_STEP_CONFIG.timeout : checkDuration(timeout, "config.timeout"),
  };
  if (parseDuration(merged.timeout) === 0) {
    throw fatalError("Cannot use 0 as config.timeout: an attempt needs some time");
  }
  return sensitive === undefined ? merged : { ...merged, sensitive };
}

/**
 * Checks the config of a rollback handler and fills in the defaults, which are a step's.
 *
 * @throws {Error} named `WorkflowFatalError`, naming the field
 */
export function checkRollbackConfig(config: unknown): MergedStepConfig {
  const fields = record(config, "rollbackConfig", ["retries", "timeout"]);
  return checkStepConfig({ retries: fields("retries"), timeout: fields("timeout") });
}

/**
 * Checks a duration that a workflow's author wrote and gives it back as written.
 *
 * @throws {Error} named `WorkflowFatalError`
 */
export function checkDuration(value: unknown, what: string): number | string {
  try {
    parseDuration(value as number | string);
  } catch {
    throw fatalError(
      `Cannot use ${show(value)} as ${what}: write a number of milliseconds or "<number> <unit>", such as "5 minutes"`,
    );
  }
  return value as number | string;
}

function checkRetries(value: unknown, sent: boolean): StepConfig["retries"] {
  const fields = record(value, "config.retries", ["limit", "delay", "backoff"]);
  const limit = fields("limit");
  const delay = fields("delay");
  const backoff = fields("backoff");
  if (limit === undefined || (delay === undefined && !sent)) {
    throw fatalError(`Cannot use config.retries without ${limit === undefined ? "limit" : "delay"}: it needs both limit and delay`);
  }
  if (typeof limit !== "number" || !isInteger(limit) || limit < 0 || limit > MAX_RETRIES) {
    throw fatalError(`Cannot use ${show(limit)} as config.retries.limit: it is not an integer from 0 to ${MAX_RETRIES}`);
  }
  if (backoff !== undefined && backoff !== "constant" && backoff !== "linear" && backoff !== "exponential") {
    throw fatalError(
      `Cannot use ${show(backoff)} as config.retries.backoff: it is none of "constant", "linear", "exponential"`,
    );
  }
  if (sent ? delay === undefined : typeof delay === "function") return { limit, backoff: backoff ?? "exponential" };
  return { limit, delay: checkDuration(delay, "config.retries.delay"), backoff: backoff ?? "exponential" };
}

/**
 * Checks how a child is to be started.
 *
 * @throws {Error} named `WorkflowFatalError`, naming the field
 */
export function checkInvocation(options: unknown, step: string): { workflow: string; id: string | undefined; params: unknown; detach: boolean } {
  const fields = record(options, `the options of the child "${step}"`, ["workflow", "params", "id", "detach"]);
  const workflow = fields("workflow"), id = fields("id"), detach = fields("detach");
  if (!isWorkflowName(workflow)) throw fatalError(`Cannot start the child "${step}": ${show(workflow)} is no workflow's name`);
  if (id !== undefined && !isInstanceId(id)) throw fatalError(`Cannot start the child "${step}": ${show(id)} is no instance's id`);
  if (detach !== undefined && typeof detach !== "boolean") throw fatalError(`Cannot start the child "${step}": detach is neither true nor false`);
  return { workflow, id, params: fields("params"), detach: detach === true };
}

/**
 * A reader of own fields of an options object: what a tenant put into `Object.prototype` is no option.
 *
 * @throws {Error} named `WorkflowFatalError`, when it is no object or has a field that is not known
 */
export function record(value: unknown, what: string, known: readonly string[]): (field: string) => unknown {
  if (typeof value !== "object" || value === null || isArray(value)) {
    throw fatalError(`Cannot use ${show(value)} as ${what}: it is not an object`);
  }
  const own = keys(value);
  for (let i = 0; i < own.length; i++) {
    let found = false;
    for (let k = 0; k < known.length; k++) if (known[k] === own[i]) found = true;
    if (!found) throw fatalError(`Cannot use ${show(own[i])} in ${what}: there is no such option`);
  }
  return (field) => hasOwn(value, field) ? (value as Record<string, unknown>)[field] : undefined;
}

/** Total, and short enough for a message: nothing of an object is read, it may answer with code. */
function show(value: unknown): string {
  switch (typeof value) {
    case "string":
      return stringify(value.length > 60 ? apply(slice, value, [0, 57]) + "…" : value);
    case "number":
    case "boolean":
    case "undefined":
      return `${value}`;
    default:
      return value === null ? "null" : isArray(value) ? "an array" : `a value of type ${typeof value}`;
  }
}
