/**
 * Schedules: making an instance whenever a cron expression is due.
 *
 * A tenant's schedules live in the shard that its instances live in. So the batch that holds an instance's creation
 * also holds the schedule's next due time: after a crash or a takeover a due time was met, with its instance there, or
 * was not, and is met then. And as an instance's id says which due time it is of, what is asked for again (a backfill
 * that is repeated) is not made twice.
 *
 * One timer stands for all schedules of a shard. What is due is read from the store in the order of its time, a page at
 * a time, and the next page when the one before is durable: however many fall on one instant, what else goes on has its
 * turn, and memory holds a page. A schedule whose last due time is not durable yet waits: it never has two on the way.
 *
 * @module
 */
import { TenureError } from "../errors.ts";
import { isEnded } from "../instance/state.ts";
import type { Limits } from "../limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cron } from "../ports/cron.ts";
import type { InstanceKey, Store } from "../ports/store.ts";
import { createAlarm } from "./alarm.ts";
import type { Applies, Creates, Decided } from "./apply.ts";
import { pagesOfCells } from "./cells.ts";
import type { Committer } from "./committer.ts";
import { isUnreadable } from "./damaged.ts";
import type { Durable, Live } from "./live.ts";
import type { Lives } from "./lives.ts";
import { untilLife } from "./quotas.ts";
import { DONE, type Outcome, refused, type Request } from "./requests.ts";
import { createScheduleBook, type Entry } from "./schedule_book.ts";
import {
  DUE,
  dueCell,
  type Firing,
  firingOf,
  instanceOf,
  readDue,
  type ScheduleRecord,
  type ScheduleSettings,
  setTo,
  tenantPrefix,
} from "./schedule_record.ts";
import type { Tenants } from "./tenants.ts";

type Asked = Extract<Request, { verb: "schedule" }>;
type Refusal = Extract<Outcome, { ok: false }>;

/** What schedules are made of. */
export interface SchedulesParts {
  readonly shard: number;
  readonly store: Store;
  readonly clock: Clock;
  readonly cron: Cron;
  readonly committer: Committer;
  readonly lives: Lives;
  readonly tenants: Tenants;
  limits(tenant: string): Limits;
  draining(): boolean;
  readonly durable: Durable;
  readonly create: Creates;
}

/** The schedules of one shard. */
export interface Schedules {
  /** Applies what is asked of one. */
  readonly apply: Applies<Asked>;
  /** Meets what is due, from now on. */
  begin(): void;
  /** Ends that. */
  stop(): void;
}

/** How many are read, and made, before the next ones. */
const PAGE = 128;
/** How many of them are looked at at one time. */
const TOGETHER = 32;
/** So long they are made in one task, ms. */
const SLICE = 2;
/** Before a failed read of the store is tried again, ms. */
const RETRY = 250;
/** So long a due time waits for the limit of creations a second, ms; then it is refused. */
const PATIENCE = 60_000;
/** Schedules that are counted in one read, and tenants whose number is remembered. */
const COUNTED = 1_000;
const REMEMBERED = 10_000;
/** How long an error may be. */
const MAX_MESSAGE = 500;

const SUPERSEDED: Outcome = refused("instance.not_found", "Cannot make an instance of the schedule: it was changed meanwhile");
const PUT_OFF = refused("quota_exceeded", "Cannot make an instance of the schedule yet");

/** Makes them. */
export function createSchedules(parts: SchedulesParts): Schedules {
  const { shard, store, clock, cron, committer, lives, tenants, limits, create } = parts;
  const { use, change } = createScheduleBook({ shard, store, committer, settled: (record) => note(record?.next ?? null) });
  /** Tenants whose due times wait for their limit of creations, and until when. */
  const putOff = new Map<string, number>();
  /** How many schedules a tenant has, of those that were counted; changed by one request at a time. */
  const counts = new Map<string, number>();
  /** Tenants of which one is changed. */
  const counting = new Map<string, Promise<void>>();
  const alarm = createAlarm(clock, run);
  let ready = false, stopped = false, reading = false, again = false;
  /** When this task began to make instances. */
  let began = 0;

  // ---- what is asked of them

  function apply(request: Asked, decided: Decided): Promise<void> {
    const act = (): Promise<void> =>
      use(request, (entry) => request.act === "put" ? put(entry, request.settings, decided) : applyTo(entry, request, decided));
    return request.act === "put" || request.act === "delete" ? counted(request.tenant, act) : act();
  }

  function applyTo(entry: Entry, request: Exclude<Asked, { act: "put" }>, decided: Decided): void | Promise<void> {
    const { record } = entry;
    stillOurs();
    if (record === undefined) {
      const message = `Cannot find the schedule "${request.id}" of "${request.workflow}"`;
      return decided(request.act === "delete" ? DONE : refused("schedule_not_found", message), undefined);
    }
    switch (request.act) {
      case "delete":
        change(entry, undefined);
        countOn(request.tenant, -1);
        return decided(DONE, undefined);
      case "pause":
        if (!record.paused) change(entry, { ...record, paused: true, next: null });
        return decided(DONE, undefined);
      case "resume":
        if (record.paused) change(entry, setTo(record, { ...record, paused: false }, clock.now(), cron));
        return decided(DONE, undefined);
      case "trigger":
      case "make": {
        const [due, instance] = request.act === "trigger" ? [clock.now(), request.instance] : [request.due, instanceOf(request.id, request.due)];
        let superseded = false;
        const making = make(entry, record, { due, next: record.next, instance, asked: true }, (outcome, live) => {
          superseded = outcome === SUPERSEDED;
          if (!superseded) decided(outcome, live);
        });
        // it is made of what the schedule is then
        return Promise.resolve(making).then(() => superseded ? applyTo(entry, request, decided) : undefined);
      }
      default:
        request satisfies never;
    }
  }

  /** What was read while the shard was lost says nothing. */
  function stillOurs(): void {
    if (stopped) throw new TenureError("storage_unavailable", "Cannot take a request: its shard is another engine's");
  }

  async function put(entry: Entry, settings: ScheduleSettings, decided: Decided): Promise<void> {
    const { tenant } = entry.key;
    const { schedules: most } = limits(tenant);
    const isNew = entry.record === undefined;
    const full = isNew && await count(tenant) >= most;
    stillOurs();
    if (full) {
      const why = `the limit of ${most} schedules has been reached`;
      return decided(refused("quota_exceeded", `Cannot put the schedule "${entry.key.id}": ${why}`), undefined);
    }
    change(entry, setTo(entry.record, settings, clock.now(), cron));
    if (isNew) countOn(tenant, 1);
    decided(DONE, undefined);
  }

  /** How many a tenant has, durable or not. */
  async function count(tenant: string): Promise<number> {
    let found = counts.get(tenant);
    if (found !== undefined) return found;
    // of those that were forgotten here, the last changes may be on their way
    await parts.durable(tenant);
    found = 0;
    for await (const page of pagesOfCells(store, shard, tenantPrefix(tenant), COUNTED)) found += page.length;
    if (counts.size >= REMEMBERED) counts.delete(counts.keys().next().value as string);
    counts.set(tenant, found);
    return found;
  }

  function countOn(tenant: string, by: 1 | -1): void {
    const found = counts.get(tenant);
    if (found !== undefined) counts.set(tenant, found + by);
  }

  /** What changes a tenant's number of schedules: one at a time. */
  function counted(tenant: string, body: () => Promise<void>): Promise<void> {
    const turn = (counting.get(tenant) ?? Promise.resolve()).then(body);
    const over = turn.catch(() => {}).then(() => {
      if (counting.get(tenant) === over) counting.delete(tenant);
    });
    counting.set(tenant, over);
    return turn;
  }

  // ---- what is due

  /** Makes an instance and moves the schedule on, in one batch. What is decided in between by another counts. */
  function make(entry: Entry, record: ScheduleRecord, to: Made, decided: Decided): void | Promise<void> {
    const { key } = entry;
    const { due, next, instance } = to;
    const { tenant, workflow } = key;
    const request = {
      verb: "create",
      tenant,
      workflow,
      id: instance,
      fresh: false,
      params: record.params,
      schedule: { cron: record.cron, scheduledTime: due },
    } as const;
    return create(request, (outcome, live) => {
      // whoever asked for it is told why not
      const none = outcome === SUPERSEDED || outcome === PUT_OFF || (to.asked === true && !outcome.ok);
      if (!none && (outcome.ok || isOf(live, due))) change(entry, { ...record, next, last: { due, id: instance } }, outcome.ok ? live : undefined);
      else if (!none && !outcome.ok) change(entry, { ...record, next, error: errorOf(due, outcome) });
      decided(outcome, live);
    }, () => entry.record === record ? to.before?.() : SUPERSEDED);
  }

  /** Whether an instance was made for this due time. */
  function isOf(live: Live | undefined, due: number): boolean {
    return live?.state?.schedule?.scheduledTime === due;
  }

  async function meet(key: InstanceKey, at: number): Promise<void> {
    await use(key, async (entry) => {
      const { record } = entry;
      // what is not durable yet is met when it is
      if (entry.uncommitted > 0 || stopped || parts.draining()) return;
      if (record?.next !== at) return committer.cell(shard, key.tenant, { key: dueCell(at, key), value: null });
      const now = clock.now();
      if (at > now) return note(at);
      const until = putOff.get(key.tenant) ?? 0;
      if (until > now) return note(until);
      let firing: Firing;
      try {
        firing = firingOf(record, at, now, cron);
      } catch (cause) {
        // another release, or runtime, could read it
        const message = cause instanceof Error ? cause.message : String(cause);
        return change(entry, { ...record, next: null, error: { due: at, code: "invalid_argument", message: message.slice(0, MAX_MESSAGE) } });
      }
      const { due, next } = firing;
      if (due === null) return change(entry, { ...record, next });
      if (record.overlap === "skip" && record.last !== undefined && await isAlive({ ...key, id: record.last.id })) {
        const message = `Cannot make an instance of the schedule "${key.id}": the one before, "${record.last.id}", has not ended`;
        if (stopped || entry.record !== record) return;
        return change(entry, { ...record, next, error: { due, code: "overlap", message } });
      }
      await made(entry, record, { due, next, instance: instanceOf(key.id, due), before: () => mayCreate(key.tenant, due) });
    });
  }

  /** Resolves when what came of it is durable. */
  async function made(entry: Entry, record: ScheduleRecord, to: Made): Promise<void> {
    let durable: Promise<void> | undefined;
    try {
      await make(entry, record, to, (_, live) => {
        durable = parts.durable(entry.key.tenant, live);
      });
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      // there is one of this id, and it cannot be read
      durable = change(entry, { ...record, next: to.next, error: errorOf(to.due, { ok: false, code: error.code, message: error.message }) });
    }
    await durable;
  }

  /** A due time waits for a while for the limit of creations, in memory: what is due stays so in the store. */
  function mayCreate(tenant: string, due: number): Outcome | undefined {
    const usage = tenants.usage(tenant);
    const wait = usage === undefined ? 0 : untilLife(usage, limits(tenant), clock.monotonic());
    const now = clock.now();
    if (wait === 0 || now - due > PATIENCE) return undefined;
    putOff.set(tenant, now + wait);
    note(now + wait);
    return PUT_OFF;
  }

  async function isAlive(key: InstanceKey): Promise<boolean> {
    const live = lives.peek(key);
    if (live !== undefined) return live.state !== undefined && !isEnded(live.state);
    const [head] = await store.find({ ...key, limit: 1 });
    return head !== undefined && head.ended === null;
  }

  /** Something comes due then. */
  function note(at: number | null): void {
    if (!ready || stopped || at === null) return;
    if (at <= clock.now()) return run();
    alarm.set(at);
  }

  function run(): void {
    if (stopped) return;
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    again = false;
    began = clock.monotonic();
    meetAll().then((next) => {
      reading = false;
      if (again) run();
      else note(next);
    }, () => {
      reading = false;
      note(clock.now() + RETRY);
    });
  }

  /** Meets all that is due, the earliest first; answers when the next is. */
  async function meetAll(): Promise<number | null> {
    const now = clock.now();
    for (const [tenant, until] of putOff) if (until <= now) putOff.delete(tenant);
    for await (const page of pagesOfCells(store, shard, DUE, PAGE)) {
      if (stopped || parts.draining()) break;
      const due = page.map(({ key, value }) => readDue(key, value)).filter(({ at }) => at <= now);
      const met: Promise<{ readonly cause: unknown } | undefined>[] = [];
      for (let n = 0; n < due.length && !stopped; n += TOGETHER) {
        for (const { at, key } of due.slice(n, n + TOGETHER)) met.push(meet(key, at).then(() => undefined, (cause) => ({ cause })));
        await rest();
      }
      const failed = (await Promise.all(met)).find((one) => one !== undefined);
      if (failed !== undefined) throw failed.cause;
      const later = page[due.length];
      if (later !== undefined) return readDue(later.key, later.value).at;
    }
    return null;
  }

  /** Lets others have their turn now and then. */
  async function rest(): Promise<void> {
    if (clock.monotonic() - began < SLICE) return;
    await new Promise<void>((done) => clock.defer(done));
    began = clock.monotonic();
  }

  return {
    apply,
    begin() {
      ready = true;
      run();
    },
    stop() {
      stopped = true;
      alarm.clear();
    },
  };
}

/** What a schedule makes, and when its next is due. */
interface Made {
  readonly due: number;
  readonly next: number | null;
  /** The id of the instance. */
  readonly instance: string;
  /** Somebody asked for it, and waits. */
  readonly asked?: boolean;
  /** Whether it may be made now. */
  before?(): Outcome | undefined;
}

function errorOf(due: number, { code, message }: Refusal): NonNullable<ScheduleRecord["error"]> {
  return { due, code, message: message.slice(0, MAX_MESSAGE) };
}
