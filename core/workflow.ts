/**
 * The `Workflow` binding and the handle of an instance: Cloudflare's, within one tenant.
 *
 * @module
 */
import type { CallerStore } from "./caller_store.ts";
import { pageSize, placeOf, readCursor, writeCursor } from "./pages.ts";
import { quote, TenureError, type WorkflowError } from "./errors.ts";
import { type HistoryEntry, readHistory } from "./instance/history.ts";
import type { WorkflowInstanceEvent } from "./instance/feed_types.ts";
import { checkInstanceId } from "./ids.ts";
import type { Status } from "./instance/state.ts";
import type { Limits } from "./limits.ts";
import { checkPlacement, type Placement } from "./placement.ts";
import type { Clock } from "./ports/clock.ts";
import type { Cron } from "./ports/cron.ts";
import type { Head, InstanceKey } from "./ports/store.ts";
import type { Engine } from "./shard/engine.ts";
import type { HeadData } from "./shard/live.ts";
import { readRetention, type RetentionOptions } from "./retention.ts";
import { createScheduleCalls, type WorkflowSchedules } from "./shard/schedule_calls.ts";
import { errorOf, notFound, type Request } from "./shard/requests.ts";
import { byteLength } from "./utf8.ts";
import { decode, encode } from "./values.ts";
import { type BatchDeleteResult, type BatchError, createList, createMany, deleteMany } from "./workflow/batch.ts";
import { type ConcurrencyOptions, readConcurrency } from "./workflow/concurrency.ts";
import { placeAt, type WorkflowInstanceRestartOptions } from "./workflow/restart_options.ts";
import { createSubscription, type WorkflowInstanceSubscribeOptions, type WorkflowInstanceSubscription } from "./workflow/subscription.ts";

/** Options of {@linkcode Workflow.create}. */
export interface WorkflowInstanceCreateOptions<Params = unknown> extends Placement {
  /**
   * The instance's id: letters, digits, `_` and `-`, at most 100.
   *
   * @default {crypto.randomUUID()}
   */
  readonly id?: string;
  /**
   * What `event.payload` will be.
   *
   * @default {{}}
   */
  readonly params?: Params;
  /** Another deployed version than the active one. */
  readonly version?: string;
  /** How long it is kept once it has ended: at most, and by default, `limits.retention`. Then it is forgotten, and its id is free. */
  readonly retention?: RetentionOptions;
  /** How many like it may run at one time; who has to wait is `queued`, and begins in the order in which it came. */
  readonly concurrency?: ConcurrencyOptions;
  /** What the platform notes of it, bounded as params: its code is not told, its children inherit it. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Where an instance stands. */
export interface InstanceStatus<Output = unknown> {
  /** In one word. */
  readonly status: Status;
  /** What `run` returned; `null` before. */
  readonly output: Output | null;
  /** Why it failed. */
  readonly error?: { readonly name: string; readonly message: string };
  /** Why the engine paused it: `nondeterministic`, `crash_limit`, `code_unavailable`, `corrupt`. */
  readonly paused?: { readonly code: string; readonly message: string };
  /** What came of the rollback before the end: everything was undone, or the failure that stopped it. */
  readonly rollback?: "complete" | { readonly name: string; readonly message: string };
}

/** An event for {@linkcode WorkflowInstance.sendEvent}. */
export interface WorkflowEventInput {
  /** 1 to 100 characters. */
  readonly type: string;
  /** What the step that waits for it gets. */
  readonly payload?: unknown;
  /** Makes it idempotent: the same id is one event. */
  readonly id?: string;
}

/** One instance. A handle holds no state: it may be kept, dropped and made again. */
export interface WorkflowInstance<Output = unknown> {
  /** Its id. */
  readonly id: string;
  /** Where it stands: committed state only. */
  status(): Promise<InstanceStatus<Output>>;
  /** Lets running steps end, then stops; sleeps and time-outs are prolonged by the pause. Nothing unless it runs or waits. */
  pause(): Promise<void>;
  /** Goes on after a pause. */
  resume(): Promise<void>;
  /**
   * Ends it now; what runs is aborted. With `rollback` what runs comes to its end, then the steps that have begun and
   * have a rollback handler are undone, the last begun first, and it ends after that.
   */
  terminate(options?: { readonly rollback?: boolean }): Promise<void>;
  /**
   * Begins anew with the same id and params, from any state, on the newest version or the one asked for; history and
   * events are gone. With `from` at a step: what was issued before it keeps its outcome, the rest happens again, and the
   * version stays, or is led through what is kept first and refused when it does not keep to it.
   *
   * @throws {WorkflowError} `instance.cannot_restart`: its history has no such step, or the version departs from it
   */
  restart(options?: WorkflowInstanceRestartOptions): Promise<void>;
  /** Forgets it. */
  delete(): Promise<void>;
  /** Gives it an event: durable when it returns, kept until a step waits for it, first in, first out by type. */
  sendEvent(event: WorkflowEventInput): Promise<void>;
  /** Resolves with the output, rejects with the error of the run; with `corrupt` when its journal is damaged and it has not ended. */
  result(options?: { readonly signal?: AbortSignal }): Promise<Output>;
  /**
   * Follows it: what has happened in its present life, then what happens, in order and each once, as it is committed.
   *
   * @example
   * ```ts ignore
   * using events = await order.subscribe({ filter: ["step_completed"] });
   * for await (const event of events) console.log(event);
   * ```
   *
   * @throws {TenureError} `invalid_argument` for a cursor or a type of event that there is not
   */
  subscribe(options?: WorkflowInstanceSubscribeOptions): Promise<WorkflowInstanceSubscription>;
  /**
   * The same as Cloudflare types it, so that an instance can be held as one of theirs: their types do not know our
   * `workflow_state`, which is told all the same.
   */
  subscribe(options?: WorkflowInstanceSubscribeOptions): Promise<WorkflowInstanceSubscription<Exclude<WorkflowInstanceEvent, { type: "workflow_state" }>>>;
  /** The last state that its run has published with `step.setState`; `undefined` before. Committed, and there after its end. */
  state<T = unknown>(): Promise<T | undefined>;
  /** Its journal, oldest first. */
  history(
    options?: { readonly cursor?: string; readonly limit?: number },
  ): Promise<{ readonly entries: readonly HistoryEntry[]; readonly cursor?: string }>;
}

/** What the object form of {@linkcode Workflow.createBatch} answers. */
export interface BatchResult<Output = unknown> {
  /** In the order of the call. */
  readonly created: WorkflowInstance<Output>[];
  /** What could not be made. */
  readonly errors: BatchError[];
}

/** A workflow of a tenant: Cloudflare's binding plus `list`. */
export interface Workflow<Params = unknown, Output = unknown> {
  /** Makes an instance: durable when it returns, it starts by itself. */
  create(options?: WorkflowInstanceCreateOptions<Params>): Promise<WorkflowInstance<Output>>;
  /**
   * Makes 1 to 100; ids that are taken or repeated are left out of the result.
   *
   * @deprecated Cloudflare's older form: the object form says what could not be made.
   */
  createBatch(batch: readonly WorkflowInstanceCreateOptions<Params>[]): Promise<WorkflowInstance<Output>[]>;
  /** Makes 1 to 100 and says which could not be made. The params of all together are bounded as those of one. */
  createBatch(
    batch:
      | { readonly instances: readonly WorkflowInstanceCreateOptions<Params>[] }
      | ({ readonly count: number } & Omit<WorkflowInstanceCreateOptions<Params>, "id">),
  ): Promise<BatchResult<Output>>;
  /**
   * Forgets 1 to 100 instances, each once however often its id stands in the list; says of each position whether it was
   * there.
   */
  deleteBatch(ids: readonly string[]): Promise<BatchDeleteResult>;
  /** The handle of an instance that exists. */
  get(id: string): Promise<WorkflowInstance<Output>>;
  /** Instances that are made when a cron expression is due. */
  readonly schedules: WorkflowSchedules<Params, WorkflowInstance<Output>>;
  /** Instances, oldest first. */
  list(
    options?: { readonly status?: Status; readonly cursor?: string; readonly limit?: number },
  ): Promise<{ readonly instances: readonly (InstanceStatus<Output> & { readonly id: string })[]; readonly cursor?: string }>;
}

/** What a binding is made of. */
export interface WorkflowParts {
  readonly tenant: string;
  readonly name: string;
  readonly engine: Engine;
  readonly store: CallerStore;
  readonly clock: Clock;
  readonly limits: () => Limits;
  readonly cron: Cron;
}

/** How often somebody who is not the owner looks for a result, ms. */
const LOOK = 50;

type CreateRequest = Extract<Request, { verb: "create" }>;

/** Makes the binding of one workflow of one tenant. */
export function createWorkflow<Params, Output>(parts: WorkflowParts): Workflow<Params, Output> {
  const { tenant, name, engine, store } = parts;

  async function create(options: WorkflowInstanceCreateOptions<Params> = {}): Promise<WorkflowInstance<Output>> {
    return submitted(checked(options));
  }

  function checked(options: WorkflowInstanceCreateOptions<Params>): CreateRequest {
    if (typeof options !== "object" || options === null) {
      throw new TenureError("invalid_argument", `Cannot create an instance of ${quote(options)}: its options are not an object`);
    }
    const { id, params, version, retention, concurrency, metadata } = options;
    const placement = checkPlacement(options);
    if (id !== undefined) checkInstanceId(id);
    return {
      verb: "create",
      tenant,
      workflow: name,
      id: id ?? parts.clock.uuid(),
      fresh: id === undefined,
      params: encodeWithin(params === undefined ? {} : params, parts.limits().paramsBytes, "params"),
      ...(version !== undefined && { version }),
      ...(retention !== undefined && { retention: readRetention(retention) }),
      ...(concurrency !== undefined && { concurrency: readConcurrency(concurrency) }),
      ...(metadata !== undefined && { metadata: encodeWithin(metadata, parts.limits().paramsBytes, "metadata") }),
      ...placement,
    };
  }

  async function submitted(request: CreateRequest): Promise<WorkflowInstance<Output>> {
    await engine.submit(request);
    return handle(request.id);
  }

  function createBatch(batch: unknown): Promise<WorkflowInstance<Output>[] | BatchResult<Output>> {
    const maker = { checked, submitted, bytes: parts.limits().paramsBytes };
    return Array.isArray(batch) ? createList(batch, maker) : createMany(batch as Parameters<typeof createMany>[0], maker);
  }

  async function headOf(id: string): Promise<{ head: Head; data: HeadData }> {
    const [head] = await store.find({ tenant, workflow: name, id, limit: 1 });
    if (head === undefined) throw unknown(id);
    return { head, data: JSON.parse(head.data) as HeadData };
  }

  function handle(id: string): WorkflowInstance<Output> {
    const key: InstanceKey = { tenant, workflow: name, id };
    const control = (verb: "pause" | "resume" | "delete") => () => engine.submit({ verb, ...key });
    const subscribe = async (options?: WorkflowInstanceSubscribeOptions): Promise<WorkflowInstanceSubscription> => {
      const subscription = createSubscription({ key, engine, store, notFound: () => unknown(id) }, options);
      await headOf(id).catch((error) => {
        subscription[Symbol.dispose]();
        throw error;
      });
      return subscription;
    };
    return {
      id,
      async status() {
        const { head, data } = await headOf(id);
        return statusOf<Output>(head, data);
      },
      pause: control("pause"),
      resume: control("resume"),
      terminate: ({ rollback = false } = {}) => engine.submit({ verb: "terminate", ...key, ...(rollback === true && { rollback }) }),
      async restart({ from, version } = {}) {
        const at = from === undefined ? {} : { from: placeAt(from) };
        await engine.submit({ verb: "restart", ...key, ...at, ...(version !== undefined && { version }) });
      },
      delete: control("delete"),
      async sendEvent({ type, payload, id: event }) {
        if (typeof type !== "string" || type === "" || type.length > 100 || hasControl(type)) {
          throw new TenureError("invalid_event_type", `Cannot send an event of type ${quote(type)}: 1 to 100 characters, none of control`);
        }
        const text = encodeWithin(payload, parts.limits().eventBytes, "payload");
        if (event !== undefined && (typeof event !== "string" || event.length > 256)) {
          throw new TenureError("invalid_argument", `Cannot send an event with id ${quote(event)}: at most 256 characters`);
        }
        const at = parts.clock.now();
        await engine.submit({ verb: "event", ...key, type, payload: text, at, ...(event !== undefined && { event }) });
      },
      result: (options) => resultOf(key, options?.signal),
      async state<T>() {
        const { state } = (await headOf(id)).data;
        return state === undefined ? undefined : decode(state) as T;
      },
      subscribe: subscribe as WorkflowInstance["subscribe"],
      async history({ cursor, limit = 100 } = {}) {
        const from = cursor === undefined ? 0 : readCursor(cursor, ["number"])[0] as number;
        const size = pageSize(limit);
        const image = await store.load(engine.shardOf(tenant), key);
        if (image === null) throw unknown(id);
        const entries = readHistory(image.journal, from, size, engine.format);
        return entries.length < size ? { entries } : { entries, cursor: writeCursor([from + size]) };
      },
    };
  }

  /** Waits for a committed end. The owner's process is told; others look. */
  async function resultOf(key: InstanceKey, signal?: AbortSignal): Promise<Output> {
    let wake = (): void => {};
    let end: Head | undefined;
    const unwatch = engine.watch(key, (head) => {
      if (head !== undefined && head.ended === null && head.status !== "paused") return;
      end = head;
      wake();
    });
    const abort = (): void => wake();
    let cancel: (() => void) | undefined;
    signal?.addEventListener("abort", abort);
    try {
      for (;;) {
        const woken = new Promise<void>((done) => wake = done);
        signal?.throwIfAborted();
        // before it is read: what is committed while that is on its way would be heard by nobody
        cancel?.();
        cancel = engine.owns(tenant) ? undefined : engine.later(tenant, LOOK, wake);
        // of one that runs here the watcher is told: its head need not be read
        const head = end ?? (engine.alive(key) ? undefined : (await headOf(key.id)).head);
        if (head !== undefined && (head.ended !== null || head.status === "paused")) {
          const data = JSON.parse(head.data) as HeadData;
          if (head.ended !== null) return outcomeOf<Output>(key.id, head, data);
          if (data.parked?.code === "corrupt") throw new TenureError("corrupt", data.parked.message);
        }
        await woken;
      }
    } finally {
      cancel?.();
      unwatch();
      signal?.removeEventListener("abort", abort);
    }
  }

  return {
    create,
    createBatch: createBatch as Workflow<Params, Output>["createBatch"],
    deleteBatch: (ids) => deleteMany(ids, (id) => engine.submit({ verb: "delete", tenant, workflow: name, id })),
    async get(id) {
      await headOf(typeof id === "string" ? id : String(id));
      return handle(id);
    },
    schedules: createScheduleCalls<Params, WorkflowInstance<Output>>({
      ...parts,
      workflow: name,
      encode: (params) => encodeWithin(params, parts.limits().paramsBytes, "params"),
      handle,
    }),
    async list({ status, cursor, limit = 100 } = {}) {
      const size = pageSize(limit);
      const after = cursor === undefined ? undefined : readCursor(cursor, ["number", "string"]);
      const from = after === undefined ? undefined : placeOf({ tenant, workflow: name, created: after[0] as number, id: after[1] as string });
      const heads = await store.find({
        tenant,
        workflow: name,
        limit: size,
        ...(status !== undefined && { status }),
        ...(from !== undefined && { from }),
      });
      const instances = heads.map((head) => ({ id: head.id, ...statusOf<Output>(head, JSON.parse(head.data) as HeadData) }));
      const last = heads[heads.length - 1];
      return heads.length < size || last === undefined ? { instances } : { instances, cursor: writeCursor([last.created, last.id]) };
    },
  };
}

function statusOf<Output>(head: Head, data: HeadData): InstanceStatus<Output> {
  const { output, error, parked, rollback } = data;
  return {
    status: head.status as Status,
    output: output === undefined ? null : decode(output) as Output,
    ...(error !== undefined && { error }),
    ...(parked !== undefined && { paused: parked }),
    ...(rollback !== undefined && { rollback }),
  };
}

function outcomeOf<Output>(id: string, head: Head, data: HeadData): Output {
  if (head.status === "complete") return (data.output === undefined ? undefined : decode(data.output)) as Output;
  const { name, message } = data.error ?? { name: "WorkflowError", message: `The instance "${id}" was terminated` };
  const error = new Error(message);
  error.name = name;
  throw error;
}

function unknown(id: string): WorkflowError {
  return errorOf(notFound(id) as Extract<ReturnType<typeof notFound>, { ok: false }>) as WorkflowError;
}

function encodeWithin(value: unknown, limit: number, what: string): string {
  const text = encode(value, { root: what });
  const bytes = byteLength(text);
  if (bytes > limit) {
    throw new TenureError("too_large", `Cannot take the ${what}: ${bytes} bytes are more than the limit of ${limit}`);
  }
  return text;
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20) return true;
  return false;
}
