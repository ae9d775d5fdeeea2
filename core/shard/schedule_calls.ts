/**
 * Schedules as a caller sees them.
 *
 * @module
 */
import type { CallerStore } from "../caller_store.ts";
import { quote, TenureError } from "../errors.ts";
import { checkAddressableId } from "../ids.ts";
import { pageSize, readCursor, writeCursor } from "../pages.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cron } from "../ports/cron.ts";
import { decode } from "../values.ts";
import type { Engine } from "./engine.ts";
import type { ScheduleAct } from "./requests.ts";
import { type CatchUp, instanceOf, type Overlap, readSchedule, scheduleCell, type ScheduleRecord, workflowPrefix } from "./schedule_record.ts";

/** Options of {@linkcode WorkflowSchedules.put}. */
export interface ScheduleOptions<Params = unknown> {
  /**
   * When: minute, hour, day of the month, month, day of the week (0 or 7 is Sunday; names can be used), at most 256
   * characters. When both days are restricted, either will do.
   */
  readonly cron: string;
  /**
   * Whose clock it means: an IANA name such as `"Europe/Berlin"`.
   *
   * Where that is put forward, a time that does not exist is due at the first moment that does; where it is put back, a
   * time that exists twice is due once, the first time. An expression with `*` or a step (every 30 minutes) in its minutes or
   * hours means an interval: that is due in both hours, and not at times that do not exist.
   *
   * @default {"UTC"}
   */
  readonly timeZone?: string;
  /**
   * What `event.payload` will be.
   *
   * @default {{}}
   */
  readonly params?: Params;
  /**
   * What happens when the instance before has not ended: another one beside it, or none this time.
   *
   * @default {"allow"}
   */
  readonly overlap?: Overlap;
  /**
   * What happens with the due times of a downtime: `"last"` makes up for the latest, `"all"` for each in turn, `"skip"`
   * for none that is more than a minute ago.
   *
   * @default {"last"}
   */
  readonly catchUp?: CatchUp;
  /**
   * Whether it stands still until {@linkcode WorkflowSchedules.resume}.
   *
   * @default {false}
   */
  readonly paused?: boolean;
}

/** A schedule, as committed. */
export interface Schedule<Params = unknown> extends Required<ScheduleOptions<Params>> {
  /** Its name within the workflow. */
  readonly id: string;
  /** When it is due next; `null` while it is paused, or when it never is again. */
  readonly next: Date | null;
  /** The instance that it made last, and for which due time. */
  readonly last?: { readonly scheduledTime: Date; readonly instanceId: string };
  /**
   * Why it made none, the last time that it did not: the code of what `create` would have been refused with
   * (`quota_exceeded`, `no_active_version`, …), or `overlap`.
   */
  readonly lastError?: { readonly scheduledTime: Date; readonly code: string; readonly message: string };
}

/** What {@linkcode WorkflowSchedules.backfill} did. */
export interface Backfill {
  /** Ids of the instances that it made, in the order of their due times. */
  readonly created: readonly string[];
  /** Ids of those that were there already. */
  readonly existing: readonly string[];
  /** What could not be made: call it again later. */
  readonly errors: readonly { readonly scheduledTime: Date; readonly code: string; readonly message: string }[];
}

/** The schedules of a workflow. Each makes instances whose `event.schedule` says which due time they are of. */
export interface WorkflowSchedules<Params = unknown, Instance = unknown> {
  /**
   * Makes a schedule, or changes it: durable when it returns. With the same `cron` and `timeZone` what is due stays due,
   * so a platform may put its schedules whenever it starts. The instance of a due time has the id `<id>-<ms since the
   * epoch>`; a schedule whose id is its expression so has Cloudflare's.
   *
   * @param id 1 to 256 of letters, digits, `_`, `-`, `,`, `*`, `/`, `#` and the space
   * @throws {TenureError} `quota_exceeded` when the tenant has `limits.schedules`, `invalid_argument` when an option is wrong
   */
  put(id: string, options: ScheduleOptions<Params>): Promise<Schedule<Params>>;
  /** One, as committed. @throws {TenureError} `schedule_not_found` */
  get(id: string): Promise<Schedule<Params>>;
  /** All of them in the order of their ids, a page at a time. */
  list(options?: { readonly cursor?: string; readonly limit?: number }): Promise<{ readonly schedules: readonly Schedule<Params>[]; readonly cursor?: string }>;
  /** Forgets it; instances that it has made stay. Nothing when there is none. */
  delete(id: string): Promise<void>;
  /** Lets it stand still. @throws {TenureError} `schedule_not_found` */
  pause(id: string): Promise<void>;
  /** Goes on with the next due time: those of the pause are not made up for. @throws {TenureError} `schedule_not_found` */
  resume(id: string): Promise<void>;
  /** Makes an instance now, also of one that is paused, whatever `overlap` says. @throws {TenureError} `schedule_not_found` */
  trigger(id: string): Promise<Instance>;
  /**
   * Makes the instances of all due times from `from` up to `to`, at most 1,000, whatever `overlap` says. Each is made
   * once, however often it is asked for, as long as it is kept.
   *
   * @throws {TenureError} `schedule_not_found`, `too_large` when there are more
   */
  backfill(id: string, range: { readonly from: Date | number; readonly to: Date | number }): Promise<Backfill>;
}

/** What they are made of. */
export interface ScheduleCallsParts<Instance> {
  readonly tenant: string;
  readonly workflow: string;
  readonly engine: Engine;
  readonly store: CallerStore;
  readonly clock: Clock;
  readonly cron: Cron;
  /** Encodes params within their limit. */
  encode(params: unknown): string;
  /** The handle of an instance. */
  handle(id: string): Instance;
}

const MAX_CRON = 256;
const CRON = /^[a-zA-Z0-9, *\/#_-]+$/;
const MAX_BACKFILL = 1_000;
/** Instances that are asked for at one time. */
const TOGETHER = 50;

/** Makes them. */
export function createScheduleCalls<Params, Instance>(parts: ScheduleCallsParts<Instance>): WorkflowSchedules<Params, Instance> {
  const { tenant, workflow, engine, store, clock, cron } = parts;

  function submit(id: string, act: ScheduleAct): Promise<void> {
    checkScheduleId(id);
    return engine.submit({ verb: "schedule", tenant, workflow, id, ...act });
  }

  async function read(id: string): Promise<ScheduleRecord> {
    checkScheduleId(id);
    const record = readSchedule(await store.cell(engine.shardOf(tenant), scheduleCell({ tenant, workflow, id })));
    if (record === undefined) throw new TenureError("schedule_not_found", `Cannot find the schedule "${id}" of "${workflow}"`);
    return record;
  }

  return {
    async put(id, options) {
      checkScheduleId(id);
      const { cron: expression, timeZone = "UTC", params, overlap = "allow", catchUp = "last", paused = false } = checked(id, options);
      if (typeof expression !== "string" || expression.length > MAX_CRON || !CRON.test(expression)) {
        throw invalid(id, `the expression ${quote(expression)} is not one of at most ${MAX_CRON} characters`);
      }
      if (typeof timeZone !== "string") throw invalid(id, `the time zone ${quote(timeZone)} is not a text`);
      const why = cron.refuse(expression, timeZone);
      if (why !== undefined) throw invalid(id, `${quote(expression)} in ${quote(timeZone)}: ${why}`);
      if (overlap !== "allow" && overlap !== "skip") throw invalid(id, `overlap is "allow" or "skip"`);
      if (catchUp !== "last" && catchUp !== "all" && catchUp !== "skip") throw invalid(id, `catchUp is "last", "all" or "skip"`);
      const encoded = parts.encode(params === undefined ? {} : params);
      await submit(id, { act: "put", settings: { cron: expression, timeZone, params: encoded, overlap, catchUp, paused: paused === true } });
      return shown<Params>(id, await read(id));
    },
    get: async (id) => shown<Params>(id, await read(id)),
    async list({ cursor, limit } = {}) {
      const size = pageSize(limit);
      const prefix = workflowPrefix(tenant, workflow);
      const after = cursor === undefined ? undefined : prefix + readCursor(cursor, ["string"])[0];
      const cells = await store.cells(engine.shardOf(tenant), { prefix, limit: size, ...(after !== undefined && { after }) });
      const schedules = cells.map(({ key, value }) => shown<Params>(key.slice(prefix.length), readSchedule(value) as ScheduleRecord));
      const last = schedules[schedules.length - 1];
      return schedules.length < size || last === undefined ? { schedules } : { schedules, cursor: writeCursor([last.id]) };
    },
    delete: (id) => submit(id, { act: "delete" }),
    pause: (id) => submit(id, { act: "pause" }),
    resume: (id) => submit(id, { act: "resume" }),
    async trigger(id) {
      const instance = clock.uuid();
      await submit(id, { act: "trigger", instance });
      return parts.handle(instance);
    },
    async backfill(id, { from, to }) {
      const record = await read(id);
      const first = Number(from), last = Number(to);
      if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) {
        throw new TenureError("invalid_argument", `Cannot backfill the schedule "${id}": from and to are dates, or ms`);
      }
      const dues: number[] = [];
      for (let at = cron.after(record.cron, record.timeZone, first - 1); at !== null && at <= last;) {
        if (dues.push(at) > MAX_BACKFILL) {
          throw new TenureError("too_large", `Cannot backfill the schedule "${id}": there are more than ${MAX_BACKFILL} due times`);
        }
        at = cron.after(record.cron, record.timeZone, at);
      }
      const created: string[] = [], existing: string[] = [];
      const errors: { scheduledTime: Date; code: string; message: string }[] = [];
      for (let n = 0; n < dues.length; n += TOGETHER) {
        const some = dues.slice(n, n + TOGETHER);
        const settled = await Promise.allSettled(some.map((due) => submit(id, { act: "make", due })));
        settled.forEach((one, i) => {
          const due = some[i] as number;
          if (one.status === "fulfilled") return void created.push(instanceOf(id, due));
          if (!TenureError.is(one.reason)) throw one.reason;
          const { code, message } = one.reason;
          if (code === "instance.already_exists") existing.push(instanceOf(id, due));
          else errors.push({ scheduledTime: new Date(due), code, message });
        });
      }
      return { created, existing, errors };
    },
  };
}

function checked<O>(id: string, options: O): O {
  if (typeof options !== "object" || options === null) throw invalid(id, "its options are not an object");
  return options;
}

function invalid(id: string, why: string): TenureError {
  return new TenureError("invalid_argument", `Cannot put the schedule ${quote(id)}: ${why}`);
}

/** What is addressable with a due time behind it. */
function checkScheduleId(id: unknown): asserts id is string {
  checkAddressableId(typeof id === "string" && id !== "" ? instanceOf(id, 1e13) : "");
}

function shown<Params>(id: string, record: ScheduleRecord): Schedule<Params> {
  const { cron, timeZone, params, overlap, catchUp, paused, next, last, error } = record;
  return {
    id,
    cron,
    timeZone,
    params: decode(params) as Params,
    overlap,
    catchUp,
    paused,
    next: next === null ? null : new Date(next),
    ...(last && { last: { scheduledTime: new Date(last.due), instanceId: last.id } }),
    ...(error && { lastError: { scheduledTime: new Date(error.due), code: error.code, message: error.message } }),
  };
}
