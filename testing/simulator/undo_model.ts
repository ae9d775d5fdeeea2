/**
 * What a rollback may look like in a journal: the steps that have begun and have a handler, the last begun first, one
 * after the other, each once, to the first that fails for good (I32).
 *
 * @module
 */
import type { Ended, Record, RollbackStarted, Scheduled } from "../../core/instance/records.ts";
import type { StepConfig } from "../../core/ports/guest.ts";
import { isRunning, nameOf, type OpModel } from "./op_model.ts";

/** A broken rule and how. */
type Wrong = readonly [rule: string, what: string];

/** The rollback of a life. */
export interface UndoModel {
  /** How it began; `undefined`: it did not. */
  readonly started: RollbackStarted | undefined;
  /** The error that handlers are given, encoded. */
  readonly value: string | undefined;
  /** A step was issued that has a handler, with this config. */
  issued(op: OpModel, config: 1 | StepConfig): void;
  /** The first attempt at a step begins. */
  begun(op: OpModel): void;
  begin(head: RollbackStarted, value: string | undefined): Wrong | undefined;
  /** A handler is to run. */
  scheduled(head: Scheduled): Wrong | undefined;
  /** It has its number. */
  runs(op: OpModel): void;
  /** The end of the life. */
  end(record: Record & { readonly head: Ended }): Wrong | undefined;
  /** Whether a handler could begin, or the end could come. */
  waits(): boolean;
}

/** Of a run whose guest died of it while it was made anew, or that does not reach what it would undo. */
const GIVEN_UP = /^(died in |Cannot roll back the step )/;

/** Starts the model; `ops` are the life's. */
export function createUndo(ops: readonly OpModel[]): UndoModel {
  const handlers = new Map<OpModel, 1 | StepConfig>();
  /** In the order in which they began. */
  const begun: OpModel[] = [];
  let started: RollbackStarted | undefined;
  let value: string | undefined;
  /** The last one that was begun. */
  let last: OpModel | undefined;

  return {
    get started() {
      return started;
    },
    get value() {
      return value;
    },
    issued: (op, config) => void handlers.set(op, config),
    begun(op) {
      if (handlers.has(op)) begun.push(op);
    },
    begin(head, error) {
      if (started !== undefined) return ["I32", "a second rollback begins"];
      if (begun.length === 0) return ["I32", "a rollback with nothing to undo"];
      started = head;
      value = error;
      return undefined;
    },
    scheduled(head) {
      if (started === undefined) return ["I32", `the rollback of "${head.name}" without a cause`];
      if (ops.some(isRunning)) return ["I32", `the rollback of "${head.name}" begins while something runs`];
      if (last !== undefined && last.settled?.ok !== true) return ["I32", `the rollback of "${head.name}" after one that did not go well`];
      const next = begun.pop();
      if (next === undefined || next.op !== head.of || next.name !== head.name) return ["I32", `op ${head.of} is undone where ${nameOf(next)} is the last that began`];
      const config = handlers.get(next);
      if (JSON.stringify(head.config) !== JSON.stringify(config === 1 ? undefined : config)) return ["I32", `the rollback of "${head.name}" has another config`];
      return head.start === 1 ? undefined : ["I32", `the rollback of "${head.name}" does not begin`];
    },
    runs: (op) => void (last = op),
    end({ head, value: given }) {
      if (started === undefined) return head.rollback === undefined ? undefined : ["I32", "the end of a rollback that did not begin"];
      // whoever terminates it does not wait for the rest
      if (head.k === "terminated" && head.rollback === undefined) return undefined;
      if (head.k !== started.end) return ["I32", `it is ${head.k} after a rollback that ends as ${started.end}`];
      if (head.k === "errored" && (JSON.stringify(head.error) !== JSON.stringify(started.error) || given !== value)) return ["I32", "it ends with another error than it had"];
      const { rollback } = head;
      if (rollback === "complete") {
        if (begun.length > 0) return ["I32", `the rollback is complete without ${nameOf(begun.at(-1))}`];
        return last?.settled?.ok === true ? undefined : ["I32", "the rollback is complete and its last handler did not go well"];
      }
      if (rollback === undefined) return ["I32", "the rollback has come to nothing"];
      if (GIVEN_UP.test(rollback.message)) return undefined;
      return last?.settled?.ok === false ? undefined : ["I32", `the rollback has stopped (${rollback.message}), and no handler failed`];
    },
    waits: () => started !== undefined && !ops.some((op) => op.kind === "rollback" && op.settled === undefined && !op.closed),
  };
}
