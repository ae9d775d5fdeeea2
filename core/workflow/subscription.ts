/**
 * Following an instance: what has happened in its present life, then what happens, as it is committed.
 *
 * A reader pulls: nothing is read from the store before it asks, and then a page. So a slow one holds a page, however
 * far behind it is; what is not read yet is in the journal.
 *
 * @module
 */
import type { CallerStore } from "../caller_store.ts";
import { quote, TenureError } from "../errors.ts";
import { createFeed, type Feed, lifeOf } from "../instance/feed.ts";
import { isEventType, type WorkflowInstanceEvent, type WorkflowInstanceEventType } from "../instance/feed_types.ts";
import { eachRecord, type Record } from "../instance/records.ts";
import type { InstanceKey } from "../ports/store.ts";
import type { Engine } from "../shard/engine.ts";
import type { HeadData } from "../shard/live.ts";

/** Options of a subscription. */
export interface WorkflowInstanceSubscribeOptions {
  /** The `eventId` of the last event that was seen: only later ones are told. */
  readonly cursor?: number;
  /** Only events of these types. */
  readonly filter?: readonly WorkflowInstanceEventType[];
}

/**
 * Events of one instance, in the order in which they were committed, each once.
 *
 * It ends behind the event that ends the instance, whether that is told or filtered out. A restart is not an end: what
 * was not read of the life before is gone, and the new one is told from its beginning. Where the instance is deleted
 * `next()` rejects with `instance.not_found`, where the engine is closed with `closed`, and the subscription is over.
 * With any other error (`storage_unavailable`) it stays where it was, and may be asked again.
 */
export interface WorkflowInstanceSubscription<Event = WorkflowInstanceEvent> extends AsyncIterableIterator<Event, void> {
  /** The next event, when there is one. */
  next(): Promise<IteratorResult<Event, void>>;
  /** Ends it: whoever waits for the next event hears that there is none. */
  return(): Promise<IteratorResult<Event, void>>;
  /** {@linkcode WorkflowInstanceSubscription.return} */
  [Symbol.dispose](): void;
  /** {@linkcode WorkflowInstanceSubscription.return} */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a subscription is made of. */
export interface SubscriptionParts {
  readonly key: InstanceKey;
  readonly engine: Engine;
  readonly store: CallerStore;
  /** The error of an instance that is not there. */
  notFound(): Error;
}

/** Texts of a journal that are read at once: each is what one commit held of the instance. */
const PAGE = 64;
/** How often somebody who is not the owner looks for more, ms. */
const LOOK = 50;

const DONE: IteratorResult<WorkflowInstanceEvent, void> = Object.freeze({ done: true, value: undefined });

/** Checks the options and begins a subscription; nothing is read yet. */
export function createSubscription(parts: SubscriptionParts, options: WorkflowInstanceSubscribeOptions = {}): WorkflowInstanceSubscription {
  const { key, engine, store } = parts;
  const { cursor, wanted } = checked(options);
  let after = cursor;
  const shard = engine.shardOf(key.tenant);
  let life: { readonly number: number; readonly created: number; readonly feed: Feed } | undefined;
  let records: Record[] = [];
  let events: WorkflowInstanceEvent[] = [];
  let over = false;
  let wake = (): void => {};
  let turn: Promise<unknown> = Promise.resolve();
  const news = (): void => wake();
  const unwatch = engine.watch(key, news, news);

  function end(): typeof DONE {
    over = true;
    unwatch();
    records = [];
    events = [];
    wake();
    return DONE;
  }

  async function next(): Promise<IteratorResult<WorkflowInstanceEvent, void>> {
    while (!over) {
      const event = events.shift();
      if (event !== undefined) return { done: false, value: event };
      const record = records.shift();
      if (record !== undefined && life !== undefined) {
        events = life.feed.take(record).filter(({ eventId, type }) => eventId > after && (wanted === undefined || wanted.has(type)));
        continue;
      }
      if (life?.feed.ended() === true) return end();
      // before the look: what is committed meanwhile is found by the next one
      const woken = new Promise<void>((done) => wake = done);
      if (await look()) continue;
      if (over) break;
      const cancel = engine.owns(key.tenant) ? undefined : engine.later(key.tenant, LOOK, news);
      await woken;
      cancel?.();
    }
    return DONE;
  }

  /** Reads the next page; false when there is nothing new. */
  async function look(): Promise<boolean> {
    const from = life?.feed.next() ?? 0;
    const image = await store.load(shard, key, { from, texts: PAGE }).catch((error) => {
      if (!engine.closed()) throw error;
      end();
      throw new TenureError("closed", `Cannot follow the instance ${quote(key.id)}: the engine is closed`, { cause: error });
    });
    if (over) return false;
    const number = image === null ? 0 : (JSON.parse(image.head.data) as HeadData).life;
    // deleted, or deleted and made again
    if (image === null || (life !== undefined && life.number >= number && life.created !== image.head.created)) {
      end();
      throw parts.notFound();
    }
    if (number !== life?.number) {
      life = { number, created: image.head.created, feed: createFeed(key.id, number) };
      // of an instance that was deleted and made again: it is behind all that this one will tell
      if (lifeOf(after) > number) after = -1;
      if (from > 0) return true;
    }
    let seq = image.from ?? 0;
    eachRecord(image.journal, (record) => void (seq++ >= from && records.push(record)), engine.format, seq);
    return records.length > 0;
  }

  const subscription: WorkflowInstanceSubscription = {
    next() {
      const result = turn.then(next);
      // one after the other, also when somebody does not wait
      turn = result.catch(() => {});
      return result;
    },
    return: () => Promise.resolve(end()),
    [Symbol.asyncIterator]: () => subscription,
    [Symbol.dispose]: () => void end(),
    async [Symbol.asyncDispose]() {
      end();
    },
  };
  return subscription;

  function checked({ cursor, filter }: WorkflowInstanceSubscribeOptions): { cursor: number; wanted: ReadonlySet<string> | undefined } {
    if (cursor !== undefined && (!Number.isSafeInteger(cursor) || cursor < 0)) {
      throw new TenureError("invalid_argument", `Cannot use ${quote(cursor)} as cursor: it is the eventId of no event`);
    }
    if (filter !== undefined && (!Array.isArray(filter) || !filter.every(isEventType))) {
      const bad = Array.isArray(filter) ? filter.find((type) => !isEventType(type)) : filter;
      throw new TenureError("invalid_argument", `Cannot use ${quote(bad)} in filter: there is no such type of event`);
    }
    return { cursor: cursor ?? -1, wanted: filter === undefined ? undefined : new Set(filter) };
  }
}
