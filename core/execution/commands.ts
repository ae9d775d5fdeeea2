/**
 * Reading what a guest hands back. It comes from the tenant: whatever is not a well-formed command is dropped.
 *
 * @module
 */
import { parseFrame } from "../frame.ts";
import { isInstanceId, isWorkflowName } from "../id_forms.ts";
import type { Command, ErrorSummary, StepConfig } from "../ports/guest.ts";
import { checkSentConfig, checkStepName } from "../step_config.ts";
import { cutToBytes } from "../utf8.ts";

/** A checked command and its value. */
export interface Received {
  readonly command: Command;
  readonly value: string;
}

/** Reads one frame; `undefined` for nonsense. Never throws. */
export function readCommand(text: string): Received | undefined {
  const parsed = parseFrame(text);
  if (parsed === undefined) return undefined;
  const { header, value } = parsed;
  if (typeof header !== "object" || header === null) return undefined;
  const command = check(header as Fields);
  return command === undefined ? undefined : { command, value: value ?? "u" };
}

type Fields = { readonly [name: string]: unknown };

function check(f: Fields): Command | undefined {
  switch (f.c) {
    case "do": {
      if (!isId(f.id) || !isOwner(f.in) || !isName(f.name)) return undefined;
      const head = { c: "do", id: f.id, in: f.in, name: f.name } as const;
      if (f.config === undefined && f.rollback === undefined) return head;
      const config = f.config === undefined ? undefined : checkedConfig(f.config);
      const rollbackConfig = f.rollbackConfig === undefined ? undefined : checkedConfig(f.rollbackConfig);
      if ((f.config !== undefined && config === undefined) || (f.rollbackConfig !== undefined && rollbackConfig === undefined)) return undefined;
      // handlers within a step are not kept: a replay does not run the body that makes them
      if (f.rollback !== undefined && (!isId(f.rollback) || f.in !== 0)) return undefined;
      return {
        ...head,
        ...(config !== undefined && { config }),
        ...(f.rollback !== undefined && { rollback: f.rollback }),
        ...(rollbackConfig !== undefined && { rollbackConfig }),
      };
    }
    case "sleep":
      if (!isId(f.id) || !isOwner(f.in) || !isName(f.name)) return undefined;
      if (isTime(f.ms)) return { c: "sleep", id: f.id, in: f.in, name: f.name, ms: f.ms };
      return isTime(f.until) ? { c: "sleep", id: f.id, in: f.in, name: f.name, until: f.until } : undefined;
    case "wait":
      if (!isId(f.id) || !isOwner(f.in) || !isName(f.name) || !isTime(f.timeout)) return undefined;
      if (typeof f.type !== "string" || f.type.length > 100) return undefined;
      return { c: "wait", id: f.id, in: f.in, name: f.name, type: f.type, timeout: f.timeout };
    case "child": {
      // a step's callback is tried again: what it started would be there twice, or be somebody else's
      if (!isId(f.id) || f.in !== 0 || !isName(f.name) || !isWorkflowName(f.workflow)) return undefined;
      if (f.child !== undefined && !isInstanceId(f.child)) return undefined;
      const head = { c: "child", id: f.id, in: 0, name: f.name, workflow: f.workflow, detach: f.detach === true } as const;
      return f.child === undefined ? head : { ...head, child: f.child };
    }
    case "call":
      if (!isId(f.id) || !isOwner(f.in) || !isShort(f.target) || !isShort(f.method)) return undefined;
      return { c: "call", id: f.id, in: f.in, target: f.target, method: f.method };
    case "state":
      return isId(f.id) && isOwner(f.in) ? { c: "state", id: f.id, in: f.in } : undefined;
    case "timer":
      if (!isId(f.id) || !isOwner(f.in) || !isTime(f.ms)) return undefined;
      return { c: "timer", id: f.id, in: f.in, ms: f.ms };
    case "piece":
      if (!isId(f.id) || !isId(f.in) || !isId(f.attempt) || !isOwner(f.n)) return undefined;
      return { c: "piece", id: f.id, in: f.in, attempt: f.attempt, n: f.n };
    case "read":
      if (!isId(f.id) || !isOwner(f.in) || !isId(f.of) || !isOwner(f.n)) return undefined;
      return { c: "read", id: f.id, in: f.in, of: f.of, n: f.n };
    case "done": {
      if (!isId(f.id) || !isId(f.attempt) || typeof f.ok !== "boolean") return undefined;
      const head = { c: "done", id: f.id, attempt: f.attempt, ok: f.ok, retry: f.retry !== false } as const;
      if (f.ok && f.stream === true) return { ...head, stream: true };
      return f.ok ? head : { ...head, error: summary(f.error) };
    }
    case "delay": {
      if (!isId(f.id) || !isId(f.attempt)) return undefined;
      const head = { c: "delay", id: f.id, attempt: f.attempt } as const;
      return isTime(f.ms) ? { ...head, ms: Math.ceil(f.ms) } : { ...head, error: summary(f.error) };
    }
    case "end":
      if (typeof f.ok !== "boolean") return undefined;
      return f.ok ? { c: "end", ok: true } : { c: "end", ok: false, error: summary(f.error) };
    case "log":
      if (f.level !== "debug" && f.level !== "info" && f.level !== "warn" && f.level !== "error") return undefined;
      return { c: "log", in: isOwner(f.in) ? f.in : 0, level: f.level };
    default:
      return undefined;
  }
}

function isId(v: unknown): v is number {
  return Number.isSafeInteger(v) && (v as number) > 0;
}
function isOwner(v: unknown): v is number {
  return Number.isSafeInteger(v) && (v as number) >= 0;
}
function isTime(v: unknown): v is number {
  return typeof v === "number" && v >= 0 && v <= Number.MAX_SAFE_INTEGER;
}
function isShort(v: unknown): v is string {
  return typeof v === "string" && v.length <= 128;
}
function isName(v: unknown): v is string {
  try {
    checkStepName(v);
    return true;
  } catch {
    return false;
  }
}
function checkedConfig(config: unknown): StepConfig | undefined {
  try {
    return checkSentConfig(config);
  } catch {
    return undefined;
  }
}
function summary(error: unknown): ErrorSummary {
  const { name, message } = (typeof error === "object" && error !== null ? error : {}) as Fields;
  return {
    name: cutToBytes(typeof name === "string" ? name : "Error", 128),
    message: cutToBytes(typeof message === "string" ? message : "", 4_096),
  };
}
