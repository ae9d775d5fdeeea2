/**
 * A second opinion: runs a program against a finished journal with nothing of the engine, one settlement at a time in
 * the journal's order, and says what the run must have come to know and to return.
 *
 * @module
 */
import type { WorkflowStep } from "../../core/entrypoint.ts";
import { decode } from "../../core/values.ts";
import type { Kind } from "../../core/instance/records.ts";
import { walk } from "./interpreter.ts";
import type { LifeModel } from "./life_model.ts";
import type { OpModel } from "./op_model.ts";
import type { Program } from "./program.ts";
import { never } from "../never.ts";
import { drained } from "./world.ts";

/** What a run must have come to. */
export interface Expected {
  readonly seen: readonly string[];
  /** `undefined`: it goes on. */
  readonly end: { readonly ok: boolean; readonly value: unknown } | undefined;
  /** A settlement of a command that the program does not issue there. */
  readonly astray: OpModel | undefined;
}

/** Asks it. */
export async function expectedOf(life: LifeModel, program: Program): Promise<Expected> {
  const waiting = new Map<string, { resolve(value: unknown): void; reject(error: unknown): void }>();
  const counts = new Map<string, number>();
  const seen: string[] = [];
  let now = life.created;
  let end: Expected["end"];
  /** What was known when it ended: what nobody waits for goes on. */
  let known: readonly string[] | undefined;

  function issue(kind: Kind, name: string): Promise<unknown> {
    const count = (counts.get(`${kind} ${name}`) ?? 0) + 1;
    counts.set(`${kind} ${name}`, count);
    const promise = new Promise((resolve, reject) => void waiting.set(`${kind} ${count} ${name}`, { resolve, reject }));
    promise.catch(() => {});
    return promise;
  }

  const step = {
    do: (name: string) => issue("do", name),
    sleep: (name: string) => issue("sleep", name),
    sleepUntil: (name: string, time: number) =>
      time < now ? Promise.reject(new Error("You can't sleep until a time in the past, time-traveler")) : issue("sleep", name),
    waitForEvent: (name: string) => issue("wait", name),
    setState: () => issue("state", ""),
  } as unknown as WorkflowStep;

  walk(program.root, { step, ping: () => issue("call", "API.ping"), created: life.created, seen, body: never, delay: never, undo: never, wrong: () => {} })
    .then((value) => {
      end = { ok: true, value };
      known = [...seen];
    }, (error: Error) => end = { ok: false, value: error.message });
  await drained();

  for (const op of life.settlements) {
    const settled = op.settled as NonNullable<OpModel["settled"]>;
    // what was settled with the end, or behind it, nobody hears
    if (end !== undefined) break;
    const key = `${op.kind} ${op.count} ${op.name}`;
    const waiter = waiting.get(key);
    if (waiter === undefined) return { seen, end, astray: op };
    waiting.delete(key);
    now = settled.t;
    const event = life.events[settled.event];
    const value = event === undefined
      ? decode(settled.value ?? "u")
      : { type: event.type, payload: decode(event.value), timestamp: new Date(event.accepted) };
    if (settled.ok) waiter.resolve(value);
    else waiter.reject(value);
    await drained();
  }
  return { seen: known ?? seen, end, astray: undefined };
}
