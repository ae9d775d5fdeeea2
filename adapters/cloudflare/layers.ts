/**
 * One instance, two layers: the dispatcher's class in the host's realm, and beneath it the tenant's code in its sandbox,
 * which the class reaches by `stub.run(event, step)`. To the engine both are one guest with one journal.
 *
 * A command's number says whose it is: the layer's own number and the layer. Which code a layer runs is recorded before
 * it begins, as a call: on replay that outcome, a content hash, says which.
 *
 * @module
 */
import type { WorkflowStep } from "../../core/entrypoint.ts";
import { TenureError } from "../../core/errors.ts";
import { frame, parseFrame } from "../../core/frame.ts";
import type { Granted } from "../../core/execution/bindings.ts";
import { failure } from "../../core/instance/failures.ts";
import { isUnavailable, MAX_OPENINGS, openingPause, UNOPENED } from "../../core/openings.ts";
import type { Death, Guest, GuestInit, Turn } from "../../core/ports/guest.ts";
import { decode, describeError, encode } from "../../core/values.ts";
import type { WorkflowClass } from "../sandbox/guest/runtime.ts";
import type { Defer } from "../sandbox/trusted/defer.ts";
import { trustedGuest } from "../sandbox/trusted/guest.ts";
import { currentGuest } from "../sandbox/trusted/node_async_hooks.ts";
import { noteMetadata } from "./metadata.ts";
import { commandFor, deliveryOf, layerOf, LOADER, MAX_LAYERS, ownerOf, type StartHeader, startOf } from "./layer_frames.ts";

/** What `stub.run` asks for. */
export interface Entered {
  /** Records what is to run, unless it is known; resolves with its hash. */
  pin(tenant: string): Promise<string>;
  /** Makes the guest of a hash. Tried again when it throws, unless it says that the code is not to be had (`code_unavailable`). */
  open(version: string, init: GuestInit, run: { readonly tenantId: string; readonly workflow: string; readonly instance: string }): Promise<OpenedLayer>;
  /** What the entry class is asked for, but for what `open` says. */
  readonly asked: Readonly<Record<string, unknown>>;
  /** The event as the dispatcher handed it on. */
  readonly event: { readonly timestamp?: unknown; readonly instanceId?: unknown; readonly workflowName?: unknown; readonly schedule?: unknown };
}

/** A tenant's guest, ready to be started. */
export interface OpenedLayer {
  readonly guest: Guest;
  readonly granted: Granted;
  /** What the entry class is told of what it is granted. */
  readonly told: Readonly<Record<string, unknown>>;
  /** Is told of lines of its log that the engine does not see. */
  readonly log?: (level: string, text: string) => void;
}

/** A live run, as a step of it leads to it. */
export interface LayeredRun {
  /** Runs a tenant's code as a part of it. */
  enter(entered: Entered): Promise<unknown>;
  /** Opens a tenant's code, pinned, for whoever drives it; `undefined`: the run has been let go. */
  open(entered: Entered, ready: () => void): Promise<OpenedLayer | undefined>;
  /** A seed of what is random in it: the n-th of a run is the same in every replay. */
  seed(): string;
  /** The time that its clock shows. */
  now(): number;
  /** A guest of it has died. */
  dies(of: Death): void;
  /** Has something let go with the run. */
  holds(stop: () => void): void;
}

const runs = new WeakMap<object, LayeredRun>();
const runsByRoom = new WeakMap<object, LayeredRun>();

/** The run to which a step belongs; `undefined`: it is none that an engine of ours has made. */
export function runOf(step: unknown): LayeredRun | undefined {
  return typeof step === "object" && step !== null ? runs.get(step) : undefined;
}

/** The run of whose dispatcher's class this is the code; `undefined`: of none. */
export function currentRun(): LayeredRun | undefined {
  const room = currentGuest();
  return room === undefined ? undefined : runsByRoom.get(room);
}

/** What both layers are made of. */
export interface LayersParts {
  readonly init: GuestInit;
  /** The dispatcher's class, made with its context and env. */
  readonly make: (name: string) => { run(event: unknown, step: unknown): unknown };
  readonly defer: Defer;
  /** Resolves after so many ms. */
  readonly pause: (ms: number) => Promise<void>;
}

interface Layer extends OpenedLayer {
  /** Set until it is delivered. */
  start: { readonly frame: string; readonly now: number } | undefined;
  ended: boolean;
  incarnation: number | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The engine takes the guest back without counting anything, and replays. */
const TAKEN: Death = { code: "evicted", message: "The sandbox has taken the guest back" };

/** Makes the guest of one run. */
export function layeredGuest({ init, make, defer, pause }: LayersParts): Guest {
  const layers = new Map<number, Layer>();
  const entries = new Map<number, Entered>();
  /** Commands of the dispatcher's class that are not settled. */
  const open = new Set<number>();
  let header: StartHeader | undefined;
  let loader: { pin(ticket: number): Promise<string> } | undefined;
  const held: (() => void)[] = [];
  let ended = false, dropped = false, busy = false, opening = 0, tickets = 0, seeds = 0, now = 0;
  let out: string[] = [];
  let death: Death | undefined;
  let wake = (): void => {};

  /** Something came between turns, or in one that waits for it. */
  const news = (): void => busy ? wake() : init.ready();

  class Host {
    constructor(_ctx: unknown, env: Record<string, unknown>) {
      loader = env[LOADER] as typeof loader;
    }
    run(event: object, step: WorkflowStep): unknown {
      runs.set(step, run);
      const { metadata } = (header as StartHeader).event;
      if (metadata !== undefined) noteMetadata(event, metadata);
      return make((header as StartHeader).class).run(event, step);
    }
  }

  const room = {};
  const outer = trustedGuest({ find: () => Host as unknown as WorkflowClass, ready: news, defer, room });
  const run: LayeredRun = {
    enter,
    open: (entered, ready) => pinned(entries.size + MAX_LAYERS, entered, ready),
    seed: () => `${header?.seed}/step/${++seeds}`,
    now: () => now,
    dies(of) {
      death ??= of;
      news();
    },
    holds: (stop) => void (dropped ? stop() : held.push(stop)),
  };
  runsByRoom.set(room, run);

  async function enter(entered: Entered): Promise<unknown> {
    const ticket = ++tickets;
    if (ticket >= MAX_LAYERS) throw new TenureError("unsupported", `Cannot run more than ${MAX_LAYERS - 1} loaded workflows in one instance`);
    const opened = await pinned(ticket, entered);
    return new Promise((resolve, reject) => {
      if (opened === undefined) return;
      const start = startOf(header as StartHeader, ticket, entered, opened);
      layers.set(ticket, { ...opened, start, ended: false, incarnation: undefined, resolve, reject });
      news();
    });
  }

  async function pinned(ticket: number, entered: Entered, ready = news): Promise<OpenedLayer | undefined> {
    entries.set(ticket, entered);
    const version = await (loader as NonNullable<typeof loader>).pin(ticket);
    opening++;
    try {
      return await openLayer(entered, version, ready);
    } finally {
      opening--;
    }
  }

  /**
   * Tries until it is there: what is wrong with a store, a sandbox or a callback is not the instance's. When the code is
   * not to be had, or cannot be opened again and again, the guest dies of that, and the instance is parked.
   */
  async function openLayer({ open }: Entered, version: string, ready: () => void): Promise<OpenedLayer | undefined> {
    const { class: workflow, event } = header as StartHeader;
    const run = { tenantId: init.tenant, workflow, instance: event.instanceId };
    for (let failures = 0; !dropped;) {
      try {
        const opened = await open(version, { ...init, version, ready }, run);
        if (!dropped) return opened;
        opened.guest.drop();
      } catch (error) {
        // a storage that does not answer has lost nothing
        const away = TenureError.is(error) && error.code === "storage_unavailable";
        if (!away) failures++;
        if (isUnavailable(error) || failures >= MAX_OPENINGS) {
          death ??= { code: "code_unavailable", message: isUnavailable(error) ? error.message : UNOPENED };
          news();
          return undefined;
        }
        await pause(openingPause(away ? 0 : failures));
      }
    }
    return undefined;
  }

  function collect(number: number, turn: Turn): void {
    const layer = layers.get(number);
    if (layer !== undefined && turn.state !== "dead" && turn.incarnation !== (layer.incarnation ??= turn.incarnation)) death ??= TAKEN;
    for (const text of turn.out) {
      const command = commandFor(number, text);
      if (command === undefined) continue;
      if (layer !== undefined && command.end !== undefined) finish(layer, command.end);
      else {
        if (number === 0 && command.opens !== undefined) open.add(command.opens);
        if (number === 0 && command.end !== undefined) ended = true;
        out.push(command.frame);
      }
    }
    if (turn.state === "dead") death ??= turn.death ?? { code: "guest_failed", message: "The sandbox failed" };
  }

  function finish(layer: Layer, { ok, value }: { readonly ok: boolean; readonly value: string | undefined }): void {
    if (layer.ended) return;
    layer.ended = true;
    try {
      const result = value === undefined ? undefined : decode(value);
      if (ok) layer.resolve(result);
      else layer.reject(result);
    } catch (error) {
      layer.reject(error);
    }
  }

  /** Whether the dispatcher's class waits for something of its own. */
  function hostWaits(): boolean {
    return !ended && open.size === 0 && [...layers.values()].every((layer) => layer.ended);
  }

  /** Lets the dispatcher's class, and what it enters, run until all are at rest. */
  async function settle(first: string): Promise<Turn> {
    busy = true;
    let next = first;
    for (;;) {
      const woken = new Promise<void>((done) => wake = done);
      collect(0, await outer.turn(next, null));
      next = "";
      let again = false;
      for (const [number, layer] of layers) {
        const { start } = layer;
        if (start === undefined || death !== undefined) continue;
        layer.start = undefined;
        collect(number, await layer.guest.turn(start.frame, start.now));
        again ||= layer.ended;
      }
      if (again && death === undefined && !dropped) continue;
      if (death !== undefined || dropped || (opening === 0 && !hostWaits())) break;
      await woken;
      if (dropped) break;
    }
    busy = false;
    return told();
  }

  function told(): Turn {
    const collected = out;
    out = [];
    if (death !== undefined) return { out: collected, state: "dead", fuel: 0, incarnation: 1, death };
    return { out: dropped ? [] : collected, state: "rest", fuel: 0, incarnation: 1 };
  }

  async function collectAll(): Promise<Turn> {
    busy = true;
    for (const [number, layer] of layers) if (layer.start === undefined) collect(number, await layer.guest.turn("", null));
    return settle("");
  }

  function deliver(number: number, layer: Layer, delivery: string, time: number | null): Turn | Promise<Turn> {
    const before = layer.ended;
    const after = (turn: Turn): Turn | Promise<Turn> => {
      busy = false;
      collect(number, turn);
      return layer.ended && !before && death === undefined ? settle("") : told();
    };
    busy = true;
    const turn = layer.guest.turn(delivery, time);
    return turn instanceof Promise ? turn.then(after) : after(turn);
  }

  return {
    turn(text, time) {
      if (text === "") return collectAll();
      const taken = parseFrame(text);
      const given = taken?.header as (StartHeader & { readonly id?: number }) | undefined;
      if (given?.d === "start") {
        header = given;
        now = given.now;
        return settle(frame({ ...given, bindings: [LOADER] }, taken?.value));
      }
      const number = layerOf(given?.id);
      const { text: delivery, settles } = deliveryOf(given, taken?.value);
      if (number === 0) {
        now = time ?? now;
        if (settles !== undefined) open.delete(settles);
        return settle(delivery);
      }
      const layer = layers.get(number);
      return layer === undefined ? told() : deliver(number, layer, delivery, time);
    },
    drop() {
      if (dropped) return;
      dropped = true;
      wake();
      outer.drop();
      for (const { guest } of layers.values()) guest.drop();
      for (const stop of held) stop();
    },
    async call(target, method, args, caller) {
      try {
        if (target !== LOADER) {
          const { number, name } = ownerOf(target);
          const granted = layers.get(number)?.granted;
          if (granted === undefined) throw new TypeError(`Cannot call "${name}.${method}": there is no such binding`);
          return await granted.call(name, method, args, caller);
        }
        const [ticket] = decode(args) as [number];
        return { ok: true, value: encode(await (entries.get(ticket) as Entered).pin(init.tenant)), error: undefined };
      } catch (error) {
        const { name, message } = describeError(error);
        return { ok: false, ...failure(name, message) };
      }
    },
  };
}
