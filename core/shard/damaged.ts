/**
 * An instance whose journal cannot be read any more: what is known of it is its head. That is written once more, to say
 * so, and its id can be freed; nothing else can be done with it.
 *
 * @module
 */
import { TenureError } from "../errors.ts";
import { evolve } from "../instance/evolve.ts";
import { eachRecord } from "../instance/records.ts";
import { emptyState, type State } from "../instance/state.ts";
import type { Head, InstanceKey, Store } from "../ports/store.ts";
import type { HeadData } from "./live.ts";

/** What an instance in memory is when it cannot be read. */
export interface Damage {
  /** What whoever asks for it is told. */
  readonly error: TenureError;
  /** What says so to those who read heads alone. */
  readonly head: Head;
}

/** Whether an instance cannot be read, now or ever: no trouble of the storage, so nobody waits for it (I25). */
export function isUnreadable(error: unknown): error is TenureError {
  return error instanceof TenureError && (error.code === "corrupt" || error.code === "storage_newer");
}

/** Whether its journal is damaged: a newer release could not read it either. */
export function isCorrupt(error: unknown): error is TenureError {
  return isUnreadable(error) && error.code === "corrupt";
}

/** Its head as one that is parked; `undefined`: it says so already, or has ended, which it says rightly. */
export function parkedHead(head: Head, { code, message }: TenureError): Head | undefined {
  const { n, ...data } = JSON.parse(head.data) as HeadData;
  if (head.ended !== null || (head.status === "paused" && data.parked?.code === code)) return undefined;
  return { ...head, status: "paused", wake: null, data: JSON.stringify({ ...data, parked: { code, message }, ...(n !== undefined && { n }) }) };
}

/** The state up to where a journal is damaged; `undefined` when that is its first record. */
export async function legible(store: Store, shard: number, key: InstanceKey, newest: number): Promise<State | undefined> {
  const state = emptyState();
  try {
    const image = await store.load(shard, key);
    eachRecord(image?.journal ?? [], (record, line) => void evolve(state, record, line.length), newest);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
  return state.seq > 0 ? state : undefined;
}
