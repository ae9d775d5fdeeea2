/**
 * The log of one shard: following it, and adding to it.
 *
 * Why a writer that was paused for any time cannot do harm: a record is an object whose number is taken by putting it
 * where nothing is. Whoever takes over puts a fence at the number behind the newest record, so the first number that a
 * writer of the epoch before can try is a fence's, and **fences are never collected**. All else below a snapshot may be
 * collected, and is not before the snapshot is {@linkcode LogTimes.grace} old; so an object that is missing is known not
 * to have been written when all snapshots were listed less than that ago. Whatever appears below a snapshot later is
 * read by nobody.
 *
 * @module
 */
import { TenureError } from "../../../core/errors.ts";
import { corrupt } from "../../../core/store_rules.ts";
import { clear, type Data } from "../image/data.ts";
import { applyRecord, decodeRecord, emptyState, encodeRecord, encodeSnapshot, type LogRecord, type LogState, restoreSnapshot } from "./records.ts";
import { numberOf, numberText, type Objects } from "./objects.ts";
import { isWhole } from "./frame.ts";

/** Clocks and bounds of a log. */
export interface LogTimes {
  /** Wall clock of leases, ms. */
  readonly now: () => number;
  /** Clock that never jumps, ms. */
  readonly monotonic: () => number;
  /** How old a snapshot is before what it replaces is collected, ms. */
  readonly grace: number;
  /** After how many records a snapshot is worth its while, and after how many it is written whatever it costs. */
  readonly snapshot: { readonly least: number; readonly most: number };
}

/** The log of a shard. Its calls are made one at a time. */
export interface Log {
  /** What is known of it. */
  readonly state: LogState;
  /** Whether nobody else can have written since: then what is known is what there is. */
  mine: boolean;
  /** Reads what others wrote; `surely` also what snapshots say now. */
  follow(surely?: boolean): Promise<void>;
  /** Adds a record behind the newest that is known; false when somebody else took its number. A throw: nobody knows. */
  add(record: LogRecord): Promise<boolean>;
  /** Forgets all that is known: it was read or written where something may have been collected meanwhile. */
  forget(): void;
  /** Writes a snapshot when it is time, and collects what earlier ones replaced. Never fails. */
  tidy(): Promise<void>;
}

/** Objects that are read at one time. */
const WINDOW = 16;

/** Follows the log below `prefix`. */
export function createLog(objects: Objects, prefix: string, data: Data, shard: number, times: LogTimes): Log {
  const { monotonic, grace, snapshot } = times;
  let state = emptyState();
  let mine = false;
  /** When all records that were written were known to be there, from a number above all collected ones. */
  let sure = -Infinity;
  let records = 0, bytes = 0, snapshotBytes = 0;
  /** Snapshots that are known, and when what they replace may go: the oldest first. */
  let kept: { readonly n: number; readonly due: number }[] = [];
  let tidying = false;

  const logKey = (n: number): string => `${prefix}/log/${numberText(n)}`;
  const snapKey = (n: number): string => `${prefix}/snap/${numberText(n)}`;

  async function follow(surely = false): Promise<void> {
    if (mine && !surely) return;
    for (let force = surely;; force = true) {
      const start = monotonic();
      if (force || start - sure >= grace / 2) {
        await jump();
        sure = start;
      }
      const asked = await readOn();
      if (monotonic() - sure < grace) {
        sure = asked;
        return;
      }
      forget();
    }
  }

  function forget(): void {
    clear(data, shard);
    state = emptyState();
    mine = false;
    sure = -Infinity;
    [records, bytes, snapshotBytes] = [0, 0, 0];
  }

  /** Goes to the newest snapshot, when it is ahead. */
  async function jump(): Promise<void> {
    for (let tries = 0; tries < 5; tries++) {
      const newer = (await objects.list(`${prefix}/snap/`)).map(numberOf).filter((n) => n > state.n).reverse();
      if (newer.length === 0) return;
      for (const n of newer) {
        const found = await objects.get(snapKey(n));
        // Collected meanwhile, or (where a crash can leave half an object) never finished: an older one does as well.
        if (found === null || !isWhole(found)) continue;
        state = restoreSnapshot(data, shard, found);
        [records, bytes, snapshotBytes] = [0, 0, found.length];
        kept = [{ n, due: monotonic() + grace }];
        return;
      }
      if (state.n === 0 && await objects.get(logKey(1)) !== null) return;
    }
    throw corrupt("No snapshot of the log can be read");
  }

  /** Reads records until one is missing; answers when that one was asked for. */
  async function readOn(): Promise<number> {
    for (let window = 1;; window = Math.min(window * 2, WINDOW)) {
      const asked = monotonic();
      const first = state.n + 1;
      const found = await Promise.all(Array.from({ length: window }, (_, i) => objects.get(logKey(first + i))));
      for (const object of found) {
        if (object === null) return asked;
        count(object.length);
        applyRecord(data, shard, state, decodeRecord(object));
      }
    }
  }

  function count(length: number): void {
    records++;
    bytes += length;
  }

  async function add(record: LogRecord): Promise<boolean> {
    const n = state.n + 1;
    const object = encodeRecord(record);
    let put: boolean;
    try {
      put = await objects.putIfAbsent(logKey(n), object);
      // An answer that was lost and asked for again says that the number is taken: by whom is in the object.
      if (!put) put = await isOurs(n, record.nonce);
    } catch (error) {
      mine = false;
      throw error;
    }
    if (!put) {
      mine = false;
      return false;
    }
    count(object.length);
    applyRecord(data, shard, state, record);
    return true;
  }

  async function isOurs(n: number, nonce: string): Promise<boolean> {
    const object = await objects.get(logKey(n));
    return object !== null && decodeRecord(object).nonce === nonce;
  }

  async function tidy(): Promise<void> {
    if (tidying) return;
    tidying = true;
    try {
      if (records >= snapshot.least && (bytes >= snapshotBytes || records >= snapshot.most)) {
        const n = state.n;
        const object = encodeSnapshot(data, shard, state);
        [records, bytes, snapshotBytes] = [0, 0, object.length];
        await objects.putIfAbsent(snapKey(n), object);
        kept.push({ n, due: monotonic() + grace });
      }
      const old = kept.filter(({ due }) => monotonic() >= due).at(-1);
      if (old !== undefined) {
        kept = kept.filter(({ n }) => n > old.n);
        await collect(old.n);
      }
    } catch {
      // The next one tries again; nothing depends on it but room.
    }
    tidying = false;
  }

  async function collect(below: number): Promise<void> {
    const fences = new Set(state.fences);
    const old = (await objects.list(`${prefix}/log/`)).filter((key) => numberOf(key) <= below && !fences.has(numberOf(key)));
    for (const key of old) await objects.delete(key);
    for (const key of await objects.list(`${prefix}/snap/`)) if (numberOf(key) < below) await objects.delete(key);
  }

  return {
    get state() {
      return state;
    },
    get mine() {
      return mine;
    },
    set mine(value: boolean) {
      mine = value;
    },
    follow,
    add,
    forget,
    tidy,
  };
}

/** What a call throws when the place of the objects fails; errors of ours pass. */
export function failure(act: string, name: string, error: unknown): unknown {
  if (TenureError.is(error)) return error;
  return new TenureError("storage_unavailable", `Cannot ${act} "${name}": the place of its objects failed`, { cause: error });
}
