/**
 * A run from its beginning to its end: makes the instance, sends its events at their times, moves the time.
 *
 * @module
 */
import { type Duration, parseDuration } from "../../core/duration.ts";
import { TenureError } from "../../core/errors.ts";
import { pause } from "../../core/pause.ts";
import type { Head, StorageAdapter } from "../../core/ports/store.ts";
import type { VirtualClock } from "../virtual_clock.ts";
import type { Server } from "./server.ts";
import { type Deployed, workflowIn } from "./subject.ts";

/** An event that is sent to the run. */
export interface TestEvent {
  /** 1 to 100 characters. */
  readonly type: string;
  /** What the step that waits for it gets. */
  readonly payload?: unknown;
  /**
   * When it is sent, counted from the start of the run.
   *
   * @default {0}
   */
  readonly after?: Duration;
}

/** What is asked of a run. */
export interface Script {
  readonly instanceId: string;
  readonly params: unknown;
  readonly events: readonly TestEvent[];
  /** So much time may pass, ms. */
  readonly timeout: number;
}

/** What a run is driven with. */
export interface DriveParts {
  readonly clock: VirtualClock;
  readonly storage: StorageAdapter;
  readonly deployed: Deployed;
  readonly script: Script;
  /** A process that takes requests: the next one when the last has died. */
  server(): Promise<Server>;
  /** Called whenever everything rests, before time goes on. */
  resting?(head: Head | undefined): void | Promise<void>;
  /** Whether an error is one that was thrown in: the question is asked again. */
  isFault?(error: unknown): boolean;
}

/** Answers that say nothing about what was asked. */
const UNKNOWN = ["outcome_unknown", "storage_unavailable", "closed"];
/** Before somebody who was told nothing asks again, ms. */
const AGAIN = 100;
/** So often something may happen: a run that has not ended by then goes in circles. */
const MAX_TIMES = 200_000;
/** After so long without an answer it is asked again, ms. */
const PATIENCE = 60_000;

/**
 * Drives it until it has ended, or is paused; gives its head.
 *
 * @throws when it cannot be made, and when it does not come to an end
 */
export async function drive({ clock, storage, deployed, script, server, resting, isFault = () => false }: DriveParts): Promise<Head> {
  const { tenantId, workflow } = deployed;
  const { instanceId: id, params, events, timeout } = script;
  const reader = await storage.open();
  const end = clock.now() + timeout;
  let failure: { readonly error: unknown } | undefined;

  /** Asks until it is known what came of it. */
  async function persist(ask: (server: Server) => Promise<unknown>, known: readonly string[]): Promise<void> {
    for (;;) {
      const asked = await server();
      let cancel = (): void => {};
      const late = new Promise<false>((done) => cancel = clock.setTimer(PATIENCE, () => done(false)));
      try {
        if (await Promise.race([ask(asked).then(() => true), asked.gone.then(() => false), late])) return;
      } catch (error) {
        const code = TenureError.is(error) ? error.code : undefined;
        if (code !== undefined && known.includes(code)) return;
        if (!isFault(error) && (code === undefined || !UNKNOWN.includes(code))) throw error;
        await pause(clock, AGAIN);
      } finally {
        cancel();
      }
    }
  }

  async function send({ type, payload }: TestEvent, n: number): Promise<void> {
    const event = { type, id: `event-${n}`, ...(payload !== undefined && { payload }) };
    // who has ended takes no more
    await persist(async ({ tenure }) => await (await workflowIn(tenure, deployed).get(id)).sendEvent(event), ["instance.ended"]);
  }

  function fail(error: unknown): void {
    failure ??= { error };
  }

  async function begin(): Promise<void> {
    await persist(async ({ tenure }) => void await workflowIn(tenure, deployed).create({ id, params }), ["instance.already_exists"]);
    for (const [n, event] of events.entries()) {
      const after = parseDuration(event.after ?? 0);
      if (after === 0) await send(event, n);
      else clock.setTimer(after, () => void send(event, n).catch(fail));
    }
  }

  begin().catch(fail);
  try {
    // what began while time went on may have come to its end in the same moment, and so may a process that died in it
    for (let idle = 0, times = 0; idle < 3; times++) {
      await clock.rest();
      if (failure !== undefined) throw failure.error;
      const head = await read();
      if (head !== undefined && (head.ended !== null || head.status === "paused")) return head;
      await resting?.(head);
      if (clock.now() > end) throw stuck(head, `${timeout} ms have passed`);
      if (times > MAX_TIMES) throw stuck(head, `${MAX_TIMES} times something happened`);
      idle = await clock.advanceToNext() === undefined ? idle + 1 : 0;
    }
    throw stuck(await read(), "nothing is left that could happen");
  } finally {
    await reader.close();
  }

  function stuck(head: Head | undefined, why: string): Error {
    return new Error(`Cannot finish "${workflow}": ${why}, and it is ${head?.status ?? "not there"}`);
  }

  async function read(): Promise<Head | undefined> {
    const [head] = await reader.find({ tenant: tenantId, workflow, id, limit: 1 });
    return head;
  }
}
