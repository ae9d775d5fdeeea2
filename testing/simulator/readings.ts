/**
 * What a client reads of a journal, held against what is committed: an independent telling of each record.
 *
 * @module
 */
import type { HistoryEntry } from "../../core/instance/history.ts";
import { decode } from "../../core/values.ts";
import type { LifeModel } from "./life_model.ts";

/** The first entry that says something else than the record in its place; `undefined`: there is none. */
export function wrongEntry(entries: readonly HistoryEntry[], life: LifeModel): string | undefined {
  for (const [at, entry] of entries.entries()) {
    const said = JSON.stringify(sorted(entry)), wanted = JSON.stringify(sorted(told(at, life)));
    if (said !== wanted) return `entry ${at} is ${said}, recorded is ${wanted}`;
  }
  return undefined;
}

function told(at: number, life: LifeModel): object | undefined {
  const record = life.records[at];
  if (record === undefined) return undefined;
  const { k, t, v: _v, seed: _s, rng: _r, life: _l, op, at: _at, id: _id, type, start, in: parent, due, config: _c, refused: _f, why, code, message, end, ...rest } =
    record.head as unknown as { readonly [field: string]: unknown };
  const { expected: _e, found: _o, event: _n, kind: _k, name: _m, concurrency: _g, rollback, ...others } = rest;
  // of a step: whether it has a handler
  const same = k === "scheduled" || rollback === undefined ? others : { ...others, rollback };
  const of = typeof op === "number" ? life.ops[op] : undefined;
  return {
    ...same,
    seq: at,
    type: k,
    timestamp: new Date(t as number),
    ...(of !== undefined && { op, kind: of.kind, name: of.name }),
    ...(parent !== undefined && { parent }),
    ...(start !== undefined && { attempt: 1 }),
    ...(due !== undefined && { due: new Date(due as number) }),
    ...(k === "event" && { event: type }),
    ...(record.value !== undefined && same.error === undefined && { value: decode(record.value) }),
    ...(code !== undefined && { reason: `${String(code)}: ${String(message)}` }),
    ...(why !== undefined && { reason: why }),
    ...(end !== undefined && { reason: end }),
  };
}

function sorted(entry: object | undefined): object {
  return Object.fromEntries(Object.entries(entry ?? {}).sort(([a], [b]) => a < b ? -1 : 1));
}
