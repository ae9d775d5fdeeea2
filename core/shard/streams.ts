/**
 * The streams of a shard's instances: written, read, and removed when they are nobody's. See stream_cells.ts.
 *
 * @module
 */
import type { Series, StreamStore } from "../execution/desk.ts";
import { isEnded, type State } from "../instance/state.ts";
import { keyText } from "../ids.ts";
import { pause } from "../pause.ts";
import type { Clock } from "../ports/clock.ts";
import type { InstanceKey, Store } from "../ports/store.ts";
import { pagesOfCells } from "./cells.ts";
import type { Committer } from "./committer.ts";
import { isUnreadable } from "./damaged.ts";
import type { Durable, Live } from "./live.ts";
import type { Lives } from "./lives.ts";
import { markedBy, markOf, MARKS, pieceCell, seriesName, seriesPrefix } from "./stream_cells.ts";

/** What they are made of. */
export interface StreamsParts {
  readonly shard: number;
  readonly store: Store;
  readonly clock: Clock;
  readonly committer: Committer;
  /** The instances in memory; asked for when they are needed first. */
  lives(): Lives;
  readonly durable: Durable;
  /** Aborts when the shard is not ours any more. */
  readonly gone: AbortSignal;
}

/** The streams of one shard. */
export interface ShardStreams {
  /** Those of an instance that runs. */
  of(live: Live, state: State): StreamStore;
  /** Those of an instance of which this is known, to be read. */
  reader(key: InstanceKey, state: State): Pick<StreamStore, "get">;
  /** A life that has streams goes with the batch that holds what is queued of `live`: something is. */
  left(live: Live): void;
  /** Looks at what the owner before left. */
  begin(): void;
}

/** First pause before an instance is looked at, or a store that failed is asked again, ms; it doubles. */
const PAUSE = 1_000;
/** The longest, ms. */
const LONGEST = 60_000;
/** Cells that go with one batch. */
const PAGE = 256;

/** An instance that has a mark. */
interface Marked {
  readonly key: InstanceKey;
  pause: number;
  /** Something was written since it was looked at last. */
  again: boolean;
  waiting: boolean;
}

/** Makes those of one shard. */
export function createShardStreams({ shard, store, clock, committer, lives, durable, gone }: StreamsParts): ShardStreams {
  const marked = new Map<string, Marked>();
  let tail: Promise<void> = Promise.resolve();

  function note(key: InstanceKey): void {
    const text = keyText(key);
    let entry = marked.get(text);
    if (entry === undefined) marked.set(text, entry = { key, pause: PAUSE, again: false, waiting: false });
    entry.again = true;
    later(text, entry);
  }

  function later(text: string, entry: Marked): void {
    if (entry.waiting || gone.aborted) return;
    entry.waiting = true;
    const cancel = clock.setTimer(entry.pause, () => {
      gone.removeEventListener("abort", cancel);
      // one after another: nobody waits for it
      tail = tail.then(() => look(text, entry));
    });
    gone.addEventListener("abort", cancel, { once: true });
  }

  async function look(text: string, entry: Marked): Promise<void> {
    if (gone.aborted) return;
    entry.again = false;
    const clean = await sweep(entry).catch((error) => isUnreadable(error));
    entry.waiting = false;
    if (clean && !entry.again) return void marked.delete(text);
    entry.pause = Math.min(entry.pause * 2, LONGEST);
    later(text, entry);
  }

  /** Removes what is nobody's; answers whether the mark has gone as well. */
  async function sweep(entry: Marked): Promise<boolean> {
    const { key } = entry;
    // what is queued is not read
    await durable(key.tenant);
    const prefix = seriesPrefix(key);
    const found: { readonly series: string; readonly pieces: number }[] = [];
    for await (const page of pagesOfCells(store, shard, prefix, PAGE)) {
      for (const { key, value } of page) found.push({ series: key.slice(prefix.length), pieces: Number(value) });
    }
    const { kept, writing } = await lives().find(key, (live) => {
      const used = usedBy(live?.state);
      if (live !== undefined) lives().release(live);
      return used;
    });
    let cells: string[] = [];
    for (const { series, pieces } of found) {
      if (kept.has(series) || writing.has(series)) continue;
      for (let n = 0; n < pieces; n++) cells.push(pieceCell(key, series, n));
      cells.push(prefix + series);
      if (cells.length < PAGE) continue;
      await remove(key, cells);
      cells = [];
    }
    if (cells.length > 0) await remove(key, cells);
    if (gone.aborted || entry.again || writing.size > 0) return false;
    committer.cell(shard, key.tenant, { key: markOf(key).key, value: null }, lives().peek(key));
    return true;
  }

  async function remove(key: InstanceKey, cells: readonly string[]): Promise<void> {
    for (let from = 0; from < cells.length && !gone.aborted; from += PAGE) {
      for (const cell of cells.slice(from, from + PAGE)) committer.cell(shard, key.tenant, { key: cell, value: null });
      await durable(key.tenant);
    }
  }

  /** Asks the store until it answers; never again when the shard is not ours any more. */
  async function ask<T>(what: () => Promise<T>): Promise<T> {
    for (let ms = PAUSE;; ms = Math.min(ms * 2, LONGEST)) {
      try {
        return await what();
      } catch {
        await pause(clock, ms);
        if (gone.aborted) return await new Promise<T>(() => {});
      }
    }
  }

  function reader(key: InstanceKey, { seed }: State): Pick<StreamStore, "get"> {
    return { get: (series, n) => ask(() => store.cell(shard, pieceCell(key, seriesName(seed, series), n))) };
  }

  return {
    of(live, state) {
      const { key } = live;
      return {
        ...reader(key, state),
        put(series: Series, n, text) {
          if (!lives().current(live)) return;
          const name = seriesName(state.seed, series);
          // queued first: what is in one batch with the instance's lines is as old as these
          lives().touch(live);
          if (n === 0) {
            committer.cell(shard, key.tenant, markOf(key), live);
            note(key);
          }
          committer.cell(shard, key.tenant, { key: pieceCell(key, name, n), value: text }, live);
          committer.cell(shard, key.tenant, { key: seriesPrefix(key) + name, value: `${n + 1}` }, live);
        },
      };
    },
    reader,
    left(live) {
      committer.cell(shard, live.key.tenant, markOf(live.key), live);
      note(live.key);
    },
    begin() {
      void ask(async () => {
        for await (const page of pagesOfCells(store, shard, MARKS, PAGE)) {
          if (gone.aborted) return;
          for (const { value } of page) note(markedBy(value));
        }
      });
    },
  };
}

/** The series that a state refers to, and those that its attempts may be writing. */
function usedBy(state: State | undefined): { readonly kept: ReadonlySet<string>; readonly writing: ReadonlySet<string> } {
  const kept = new Set<string>(), writing = new Set<string>();
  for (const { op, kind, settled, known, running, attempts } of state?.ops ?? []) {
    const stream = settled?.stream ?? known?.stream;
    const seed = state?.seed ?? "";
    if (stream !== undefined) kept.add(seriesName(seed, { op, life: stream.life, attempt: stream.attempt }));
    if (state !== undefined && kind === "do" && running && !isEnded(state)) writing.add(seriesName(seed, { op, life: state.life, attempt: attempts }));
  }
  return { kept, writing };
}
