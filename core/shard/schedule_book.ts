/**
 * Schedules in hand: what is done with one is done with what it is now, durable or not.
 *
 * @module
 */
import { keyText } from "../ids.ts";
import type { InstanceKey, Store } from "../ports/store.ts";
import type { Committer } from "./committer.ts";
import type { Live } from "./live.ts";
import { cellsOf, readSchedule, scheduleCell, type ScheduleRecord } from "./schedule_record.ts";

/** A schedule while something is done with it. */
export interface Entry {
  readonly key: InstanceKey;
  /** What it is; `undefined`: there is none. Another object after each change. */
  record: ScheduleRecord | undefined;
  /** Resolves when it has been read. */
  readonly read: Promise<void>;
  /** How many have it in hand. */
  users: number;
  /** Changes of it that are not durable. */
  uncommitted: number;
}

/** Reads and changes schedules. */
export interface ScheduleBook {
  /** Lends it to `body`: whoever has it in hand sees what those before made of it. */
  use<T>(key: InstanceKey, body: (entry: Entry) => T | Promise<T>): Promise<T>;
  /** Changes it, in the batch that holds what is queued of `live`. Resolves when that is durable, or does not count. */
  change(entry: Entry, record: ScheduleRecord | undefined, live?: Live): Promise<void>;
}

/** What one is made of. */
export interface ScheduleBookParts {
  readonly shard: number;
  readonly store: Store;
  readonly committer: Committer;
  /** A change is durable, or does not count. */
  settled(record: ScheduleRecord | undefined): void;
}

/** Makes that of a shard. */
export function createScheduleBook({ shard, store, committer, settled }: ScheduleBookParts): ScheduleBook {
  const entries = new Map<string, Entry>();

  function forget(text: string, entry: Entry): void {
    if (entry.users === 0 && entry.uncommitted === 0 && entries.get(text) === entry) entries.delete(text);
  }

  return {
    async use({ tenant, workflow, id }, body) {
      const key = { tenant, workflow, id };
      const text = keyText(key);
      let entry = entries.get(text);
      if (entry === undefined) {
        const read = store.cell(shard, scheduleCell(key)).then((value) => void (made.record = readSchedule(value)));
        const made: Entry = { key, record: undefined, read, users: 0, uncommitted: 0 };
        entries.set(text, entry = made);
      }
      entry.users++;
      try {
        await entry.read;
        return await body(entry);
      } finally {
        entry.users--;
        forget(text, entry);
      }
    },
    change(entry, record, live) {
      const { key } = entry;
      for (const cell of cellsOf(key, entry.record, record, entry.uncommitted > 0)) committer.cell(shard, key.tenant, cell, live);
      entry.record = record;
      entry.uncommitted++;
      return new Promise((done) => {
        const over = (): void => {
          entry.uncommitted--;
          settled(entry.record);
          forget(keyText(key), entry);
          done();
        };
        committer.wait(shard, key.tenant, { ok: over, lost: over }, live);
      });
    },
  };
}
