/**
 * A command that the journal does not know yet.
 *
 * @module
 */
import type { Command, ErrorSummary } from "../../ports/guest.ts";
import { byteLength } from "../../utf8.ts";
import { failure } from "../failures.ts";
import { record, type Scheduled } from "../records.ts";
import type { Op, State } from "../state.ts";
import { type Facts, fullText, isFull, type Records, timeOf } from "./common.ts";
import { runEnded } from "./end.ts";

/** The commands that are recorded. A child has its id, its author's or one made by chance: replay finds it recorded. */
export type Issued =
  | Extract<Command, { c: "do" | "sleep" | "wait" | "call" | "timer" | "state" }>
  | (Extract<Command, { c: "child" }> & { readonly child: string });

/** The name that a command is identified by. */
export function nameOf(command: Issued): string {
  return command.c === "call" ? `${command.target}.${command.method}` : command.c === "timer" || command.c === "state" ? "" : command.name;
}

/** Refusals that a run may catch; the next one ends it, or a loop around one would write for ever (I23). */
const MAX_REFUSALS = 1_000;

/**
 * Records a new command. A refusal that depends on anything but the command itself is recorded with it, so that
 * replay meets it again; one too many ends the run.
 *
 * @param parent op of the `do` around it, or -1
 * @param value what came with it
 */
export function schedule(state: State, command: Issued, parent: number, facts: Facts, value: string = ""): Records {
  const t = timeOf(state, facts.now);
  const refused = refuse(state, command, value, facts);
  if (refused !== undefined && state.refusals >= MAX_REFUSALS) {
    return runEnded(state, { ok: false, ...failure(refused.name, refused.message) }, facts);
  }
  const head: { -readonly [K in keyof Scheduled]: Scheduled[K] } = {
    k: "scheduled",
    t,
    op: state.ops.length,
    kind: command.c,
    name: nameOf(command),
  };
  if (parent >= 0) head.in = parent;
  if (command.c === "do" && command.config !== undefined) head.config = command.config;
  if (command.c === "do" && command.rollback !== undefined) head.rollback = command.rollbackConfig ?? 1;
  if (command.c === "wait") head.type = command.type;
  if (refused !== undefined) head.refused = refused;
  else if (command.c === "sleep") head.due = Math.ceil(command.until ?? t + (command.ms ?? 0));
  else if (command.c === "timer") head.due = t + Math.ceil(command.ms);
  else if (command.c === "wait") head.due = t + Math.ceil(command.timeout);
  else if (command.c === "state") return [record(head, value)];
  else if (mayStart(state, { kind: command.c, parent }, facts)) head.start = 1;
  if (command.c !== "child") return [record(head)];
  head.child = { workflow: command.workflow, id: command.child, ...(command.detach === true && { detached: true }) };
  return [refused === undefined ? record(head, value) : record(head)];
}

/** Whether something new may start: in a pause, a drain or a rollback only what a running body needs to come to its end. */
export function mayStart({ phase }: State, { kind, parent }: Pick<Op, "kind" | "parent">, facts: Facts): boolean {
  return parent >= 0 || (phase === (kind === "rollback" ? "rollingBack" : "active") && !facts.draining);
}

function refuse(state: State, command: Issued, value: string, { limits, now }: Facts): ErrorSummary | undefined {
  const no = (message: string): ErrorSummary => ({ name: "WorkflowFatalError", message });
  if (command.c === "do" && state.steps >= limits.steps) {
    return no(`The limit of ${limits.steps} steps has been reached`);
  }
  if (command.c === "call" && state.calls >= limits.subrequests) {
    return no(`The limit of ${limits.subrequests} binding calls has been reached`);
  }
  if (state.ops.length >= limits.steps * 4 + limits.subrequests) return no("The limit of commands has been reached");
  if (isFull(state, limits, command.c === "state" || command.c === "child" ? value.length : 0)) return no(`The ${fullText(limits)}`);
  if (command.c === "child") {
    const bytes = byteLength(value);
    return bytes > limits.paramsBytes ? no(`Cannot start the child "${command.name}": ${bytes} bytes of params are more than the limit of ${limits.paramsBytes}`) : undefined;
  }
  if (command.c === "state") {
    const bytes = byteLength(value);
    return bytes > limits.stateBytes ? no(`Cannot publish the state: ${bytes} bytes are more than the limit of ${limits.stateBytes}`) : undefined;
  }
  if (command.c === "sleep" || command.c === "wait") {
    const until = command.c === "wait" ? now + command.timeout : command.until ?? now + (command.ms ?? 0);
    if (until - now > limits.sleep) {
      return no(`Cannot ${command.c === "wait" ? "wait" : "sleep"} in "${command.name}": longer than ${limits.sleep} ms`);
    }
  }
  return undefined;
}
