/**
 * What one run has recorded, and which bodies were begun for it.
 *
 * @module
 */
import { type Header, readRecord } from "../../core/instance/records.ts";
import type { ShardBatch } from "../../core/ports/store.ts";
import type { Begun } from "../simulator/effects.ts";
import { type LifeModel, lifeOf } from "../simulator/life_model.ts";
import type { OpModel } from "../simulator/op_model.ts";
import type { Body, BodyEnd } from "../test_workflow/tap.ts";

/** The bodies of one step. */
export interface Bodies {
  readonly step: string;
  begun: number;
  /** What each came to, as far as it did, encoded. */
  readonly ends: string[];
}

/** The book of one run. */
export interface Book {
  /** A batch is durable. */
  committed(batches: readonly ShardBatch[]): void;
  /** What a batch would write, in words. */
  describe(batches: readonly ShardBatch[]): string[];
  begun(body: Body): void;
  ended(body: Body, end: BodyEnd): void;
  /** By step. */
  readonly bodies: ReadonlyMap<string, Bodies>;
  /** The first rule that was broken. */
  broken(): string | undefined;
}

/** Opens one. */
export function openBook(): Book {
  const bodies = new Map<string, Bodies>();
  let life: LifeModel | undefined;
  let broken: string | undefined;

  function of(body: Body): Bodies {
    const key = pathOf(body);
    let found = bodies.get(key);
    if (found === undefined) bodies.set(key, found = { step: body.name, begun: 0, ends: [] });
    return found;
  }

  return {
    bodies,
    broken: () => broken,
    committed(batches) {
      for (const line of linesOf(batches)) {
        const record = readRecord(line);
        const wrong = life === undefined ? undefined : life.apply(record, "");
        life ??= lifeOf(record, "");
        if (wrong !== undefined) broken ??= `${wrong[1]} (${wrong[0]})`;
      }
    },
    describe(batches) {
      const heads = linesOf(batches).map((line) => readRecord(line).head);
      const names = new Map<number, string>(life?.ops.map(({ op, kind, name }) => [op, `${kind} "${name}"`]));
      for (const head of heads) if (head.k === "scheduled") names.set(head.op, `${head.kind} "${head.name}"`);
      return heads.map((head) => describe(head, names));
    },
    begun(body) {
      of(body).begun++;
      if (opIn(life, body)?.settled !== undefined) broken ??= `the body of "${body.name}" ran again after its result was recorded (I5)`;
    },
    ended: (body, { value }) => void of(body).ends.push(value),
  };
}

/** The command of a body in the journal of its life. */
export function opIn(life: LifeModel | undefined, { name, count, parent }: Body): OpModel | undefined {
  const within = parent === undefined ? -1 : opIn(life, parent)?.op;
  return within === undefined ? undefined : life?.find(within, "do", name, count);
}

/** An attempt at a body as the log of effects takes it: a node of the program is a step and its count. */
export function begunOf({ attempt, name, count }: Body): Begun {
  return { attempt, path: `${name} ${count}` };
}

function linesOf(batches: readonly ShardBatch[]): string[] {
  return batches.flatMap(({ appends }) => appends.flatMap(({ text }) => text.split("\n")));
}

function describe(head: Header, names: ReadonlyMap<number, string>): string {
  if (head.k === "event") return `event "${head.type}"`;
  return "op" in head ? `${head.k.replace("_", " ")} ${names.get(head.op)}` : head.k.replace("_", " ");
}

function pathOf({ name, count, parent }: Body): string {
  return JSON.stringify([parent === undefined ? null : pathOf(parent), name, count]);
}
