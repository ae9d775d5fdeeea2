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
  /** The same of a life or one that it was restarted from at a step, whichever it can be; `opOf` finds the command. */
  beginIn(life: LifeModel | undefined, opOf: (life: LifeModel) => OpModel | undefined, of: Begun, process: Process): Effect | undefined;
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

  function begin(life: LifeModel | undefined, op: OpModel | undefined, of: Begun, process: Process): Effect | undefined {
    return beginIn(life, (other) => other === life ? op : undefined, of, process);
  }

  function beginIn(newest: LifeModel | undefined, opOf: (life: LifeModel) => OpModel | undefined, of: Begun, process: Process): Effect | undefined {
    let life = newest, op = newest === undefined ? undefined : opOf(newest);
    const wrong = wrongOf(life, op, of, process);
    let fits = wrong === undefined;
    for (let other = newest?.from; other !== undefined && !fits; other = other.from) {
      const found = opOf(other);
      fits = wrongOf(other, found, of, process) === undefined;
      if (fits) [life, op] = [other, found];
    }
    const what = `${process.name} began attempt ${of.attempt} of ${op === undefined ? "a step" : `${op.kind} "${op.name}"`} of life ${life?.life}`;
    world.note(what);
    if (!fits && wrong !== undefined) world.fail(wrong[0], `${what}, ${wrong[1]}`);
    if (life === undefined || op === undefined || op.starts[of.attempt - 1] === undefined) return undefined;
    nodes.set(nodeOf(life, op, of), op.op);
    const effect: Effect = { life, op, attempt: of.attempt, process, began: world.now(), result: undefined, failed: false };
    log.set(keyOf(life, op, of.attempt), effect);
    return effect;
  }

  /** A node is one command of its life, however often what it stands in is tried. */
  function nodeOf(life: LifeModel, op: OpModel, { path }: Begun): string {
    return `${life.seed}/${life.life} ${op.parent} ${path}`;
  }

  function wrongOf(life: LifeModel | undefined, op: OpModel | undefined, of: Begun, process: Process): readonly [rule: string, what: string] | undefined {
    const { attempt } = of;
    const start = op?.starts[attempt - 1];
    if (life === undefined || op === undefined || start === undefined) return ["I4", "whose start is not durable"];
    if (start.by !== process.name) return ["I6", `whose start ${start.by} recorded`];
    if (log.has(keyOf(life, op, attempt))) return ["I6", "for the second time"];
    if (!overtaken(life, start.seq, process)) {
      if (!op.running || op.starts.length !== attempt) return ["I5", "which is over"];
      if (op.settled !== undefined) return ["I5", "which has been settled"];
      if (life.phase === "terminated" || life.droppedBy !== undefined) return ["I7", "after the end"];
    }
    const known = nodes.get(nodeOf(life, op, of)) ?? op.op;
    return known === op.op ? undefined : ["I5", `which was op ${known} before, as op ${op.op}`];
  }

  /** What an outcome is of: of one that a restart kept, in the life before. */
  function effectOf(newest: LifeModel, { op }: OpModel): Effect | undefined {
    for (let life: LifeModel | undefined = newest; life !== undefined; life = life.from) {
      const of = life.ops[op];
      const found = of === undefined ? undefined : log.get(keyOf(life, of, of.starts.length));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  function check(): void {
    for (const newest of ledger.lives.values()) for (let life: LifeModel | undefined = newest; life !== undefined; life = life.from) checkLife(life);
  }

  function checkLife(life: LifeModel): void {
    for (const op of life.ops) {
      if (op.settled?.ok !== true || (op.kind !== "do" && op.kind !== "call" && op.kind !== "rollback")) continue;
      const effect = effectOf(life, op);
      const value = decode(op.settled.value ?? "u");
      if (effect === undefined) world.fail("I2", `${op.kind} "${op.name}" has the result ${value}, and nothing was done`);
      // a handler has no result
      else if (op.kind === "rollback" ? effect.result === undefined : effect.result !== value) world.fail("I2", `${op.kind} "${op.name}" has the result ${value}, its attempt returned ${effect.result}`);
    }
  }

  return {
    begin,
    beginIn,
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

function keyOf(life: LifeModel, { op }: OpModel, attempt: number): string {
  return `${life.seed}/${life.life} ${op} ${attempt}`;
}

/** Somebody else has written since: a process that does not know it yet can do what nobody can prevent. */
function overtaken(life: LifeModel, seq: number, process: Process): boolean {
  if (life.droppedBy !== undefined && life.droppedBy !== process.name) return true;
  for (let at = seq; at < life.by.length; at++) if (life.by[at] !== process.name) return true;
  return false;
}
