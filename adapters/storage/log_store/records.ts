/**
 * What a log holds, what a record does to the shard's state, and the state as a snapshot.
 *
 * Guarantee: the state after record n is a function of the records 1 to n, so whoever writes the snapshot n writes the
 * same one.
 *
 * @module
 */
import { TenureError } from "../../../core/errors.ts";
import type { ShardBatch } from "../../../core/ports/store.ts";
import { corrupt } from "../../../core/store_rules.ts";
import { apply, clear, type Data, type Shard } from "../image/data.ts";
import { sealText, unsealText } from "./frame.ts";

/** The newest format that this release knows. */
export const FORMAT = 1;

/** One record, which is one object. */
export type LogRecord = {
  /** The writer's epoch; of a fence the one that it begins. */
  readonly epoch: number;
  /** What nobody else writes: tells whether an object is the one that was sent. */
  readonly nonce: string;
  /** When the owner's lease ends, ms, by its own clock. */
  readonly until: number;
} & (
  | { readonly kind: "fence"; readonly owner: string }
  | { readonly kind: "batch"; readonly id: string; readonly batch: Omit<ShardBatch, "shard" | "epoch"> }
  | { readonly kind: "renew" }
  | { readonly kind: "release" }
  /** The owner is gone without having released: nobody has to wait for its lease. */
  | { readonly kind: "leave" }
);

/** What a log comes to, beside the image. */
export interface LogState {
  /** The number of the newest record. */
  n: number;
  epoch: number;
  owner: string | null;
  until: number;
  clean: boolean;
  lastBatch: string;
  /** Numbers of all fences: they are never collected. */
  fences: number[];
}

/** The state of a log without records. */
export function emptyState(): LogState {
  return { n: 0, epoch: 0, owner: null, until: 0, clean: true, lastBatch: "", fences: [] };
}

/** A record as an object. */
export function encodeRecord(record: LogRecord): Uint8Array {
  return sealText(JSON.stringify({ v: FORMAT, ...record }));
}

/** An object as a record. */
export function decodeRecord(bytes: Uint8Array): LogRecord {
  const record = JSON.parse(unsealText(bytes)) as LogRecord & { v: number };
  checkFormat(record.v);
  return record;
}

/** Refuses what a newer release wrote. */
export function checkFormat(format: number): void {
  if (format <= FORMAT) return;
  const reason = `its format is ${format}, and this release knows up to ${FORMAT}`;
  throw new TenureError("storage_newer", `Cannot read the store: ${reason}`);
}

/** Does what the next record says. */
export function applyRecord(data: Data, number: number, state: LogState, record: LogRecord): void {
  const n = ++state.n;
  if (record.kind === "fence") {
    state.epoch = record.epoch;
    state.owner = record.owner;
    state.until = record.until;
    state.clean = false;
    state.fences.push(n);
    return;
  }
  if (record.epoch !== state.epoch || state.clean) throw corrupt("A record of the log is not its owner's");
  state.until = record.until;
  if (record.kind === "batch") {
    apply(data, { shard: number, epoch: record.epoch, ...record.batch });
    state.lastBatch = record.id;
  } else if (record.kind !== "renew") {
    state.owner = null;
    state.clean = record.kind === "release";
  }
}

/** Lines of a snapshot after its first: an instance with its journal, a cell, an outcome. */
type Line =
  | { readonly h: ShardBatch["heads"][number]; readonly j: readonly (readonly [seq: number, count: number, text: string])[] }
  | { readonly c: readonly [key: string, value: string] }
  | { readonly o: readonly [key: string, outcome: string, at: number] };

/** A snapshot of a shard as an object. */
export function encodeSnapshot(data: Data, number: number, state: LogState): Uint8Array {
  const shard = data.shards[number] as Shard;
  const lines: string[] = [JSON.stringify({ v: FORMAT, ...state })];
  const line = (one: Line): void => void lines.push(JSON.stringify(one));
  for (const row of data.rows.values()) {
    if (row.shard !== number) continue;
    const { starts, next } = row;
    line({ h: row.head, j: row.journal.map((text, i) => [starts[i] as number, (starts[i + 1] ?? next) - (starts[i] as number), text]) });
  }
  for (const cell of shard.cells) line({ c: cell });
  for (const [key, { outcome, at }] of shard.outcomes) line({ o: [key, outcome, at] });
  return sealText(lines.join("\n"));
}

/** Puts a snapshot in the place of what is known of a shard. */
export function restoreSnapshot(data: Data, number: number, bytes: Uint8Array): LogState {
  const [first = "", ...lines] = unsealText(bytes).split("\n");
  const { v, ...state } = JSON.parse(first) as LogState & { v: number };
  checkFormat(v);
  clear(data, number);
  const empty = { shard: number, epoch: state.epoch, drops: [], heads: [], appends: [], cells: [], acks: [] };
  for (const text of lines) {
    const line = JSON.parse(text) as Line;
    if ("h" in line) {
      const { h: head, j } = line;
      apply(data, { ...empty, heads: [head], appends: j.map(([seq, count, text]) => ({ key: head, seq, count, text })) });
    } else if ("c" in line) {
      apply(data, { ...empty, cells: [{ key: line.c[0], value: line.c[1] }] });
    } else {
      apply(data, { ...empty, acks: [{ key: line.o[0], outcome: line.o[1], at: line.o[2] }] });
    }
  }
  return state;
}
