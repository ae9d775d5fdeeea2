/**
 * What bodies and bindings did to the world: kept outside of the store, and held against the journals.
 *
 * @module
 */
import { decode } from "../../core/values.ts";
import type { Ledger } from "./ledger.ts";
import type { LifeModel } from "./life_model.ts";
import type { OpModel } from "./op_model.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

/** One attempt that began. */
export interface Effect {
  readonly life: LifeModel;
  readonly op: OpModel;
  readonly attempt: number;
  readonly process: Process;
  /** True time. */
  readonly began: number;
  /** What it returned; `undefined` while it runs or when it failed. */
  result: string | undefined;
  failed: boolean;
}

/** What an attempt is of: its node's place in the program. */
export interface Begun {
  readonly attempt: number;
  readonly path: string;
}

/** The log. */
export interface Effects {
  /** An attempt begins: `undefined` when it should not have, which is noted. */
  begin(life: LifeModel | undefined, op: OpModel | undefined, of: Begun, process: Process): Effect | undefined;
  /** A value that no other attempt returns. */
  result(effect: Effect | undefined, path: string): string;
  failed(effect: Effect | undefined): void;
  count(): number;
  /** Compares the log with what the journals say at the end. */
  check(): void;
}

/** Opens the log of a world. */
export function createEffects(world: World, ledger: Ledger): Effects {
  const log = new Map<string, Effect>();
  const nodes = new Map<string, number>();
  let results = 0;

  function begin(life: LifeModel | undefined, op: OpModel | undefined, { attempt, path }: Begun, process: Process): Effect | undefined {
    const what = `${process.name} began attempt ${attempt} of ${op === undefined ? "a step" : `${op.kind} "${op.name}"`} of life ${life?.life}`;
    world.note(what);
    const start = op?.starts[attempt - 1];
    if (life === undefined || op === undefined || start === undefined) {
      world.fail("I4", `${what}, whose start is not durable`);
      return undefined;
    }
    if (start.by !== process.name) world.fail("I6", `${what}, whose start ${start.by} recorded`);
    const key = `${life.seed} ${op.op} ${attempt}`;
    if (log.has(key)) world.fail("I6", `${what} for the second time`);
    if (!overtaken(life, start.seq, process)) {
      if (!op.running || op.starts.length !== attempt) world.fail("I5", `${what}, which is over`);
      if (op.settled !== undefined) world.fail("I5", `${what}, which has been settled`);
      if (life.phase === "terminated" || life.droppedBy !== undefined) world.fail("I7", `${what} after the end`);
    }
    // a node is one command of its life, however often what it stands in is tried
    const node = `${life.seed} ${op.parent} ${path}`;
    if ((nodes.get(node) ?? op.op) !== op.op) world.fail("I5", `${what}, which was op ${nodes.get(node)} before, as op ${op.op}`);
    nodes.set(node, op.op);
    const effect: Effect = { life, op, attempt, process, began: world.now(), result: undefined, failed: false };
    log.set(key, effect);
    return effect;
  }

  function check(): void {
    for (const life of ledger.lives.values()) {
      for (const op of life.ops) {
        if (op.settled?.ok !== true || (op.kind !== "do" && op.kind !== "call")) continue;
        const effect = log.get(`${life.seed} ${op.op} ${op.starts.length}`);
        const value = decode(op.settled.value ?? "u");
        if (effect === undefined) world.fail("I2", `${op.kind} "${op.name}" has the result ${value}, and nothing was done`);
        else if (effect.result !== value) world.fail("I2", `${op.kind} "${op.name}" has the result ${value}, its attempt returned ${effect.result}`);
      }
    }
  }

  return {
    begin,
    result(effect, path) {
      const value = `${path}:${++results}`;
      if (effect !== undefined) effect.result = value;
      return value;
    },
    failed(effect) {
      if (effect !== undefined) effect.failed = true;
    },
    count: () => log.size,
    check,
  };
}

/** Somebody else has written since: a process that does not know it yet can do what nobody can prevent. */
function overtaken(life: LifeModel, seq: number, process: Process): boolean {
  if (life.droppedBy !== undefined && life.droppedBy !== process.name) return true;
  for (let at = seq; at < life.by.length; at++) if (life.by[at] !== process.name) return true;
  return false;
}
