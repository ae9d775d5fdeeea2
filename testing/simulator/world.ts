/**
 * The world of one schedule: true time, tasks, chance and what was noted. Whatever is not determined by the language
 * goes through here, so that a seed is a run.
 *
 * @module
 */
import { systemClock } from "../../core/system_clock.ts";
import { createRandom, type Random } from "../store_cases/random.ts";

/** A broken invariant. */
export interface Failure {
  /** Its number (`I6`), or a word where it has none. */
  readonly rule: string;
  readonly what: string;
}

/** One world. */
export interface World {
  readonly seed: number;
  /** True time, ms; no process sees it but through its own clock. */
  now(): number;
  /** Time passes while somebody works. */
  pass(ms: number): void;
  /** Calls `run` after `ms`, if `living` still holds; returns its canceller. */
  at(ms: number, run: () => void, living?: () => boolean): () => void;
  /** Calls `run` as a task of its own, soon. */
  task(run: () => void): void;
  /** Lets all jobs end, then runs one task or one event, again and again: until it is to end (true), or nothing is left to run (false). */
  run(until: () => boolean): Promise<boolean>;
  /** Turns so far: an order of all that happens. */
  turns(): number;
  /** A stream of chance for one purpose: another purpose draws without changing it. */
  stream(purpose: number): Chance;
  /** Goes into the hash; `text` is made only for a printed trace. */
  note(hashed: string, text?: () => string): void;
  /** The same, of something that went wrong around the engines. */
  fault(what: string): void;
  /** How many there were. */
  faults(): number;
  /** An invariant is broken. The first counts, what follows may follow from it. */
  fail(rule: string, what: string): void;
  failure(): Failure | undefined;
  trace(): readonly string[];
  hash(): string;
}

/** Seeded chance with what a simulation asks for. */
export interface Chance extends Random {
  /** True with this probability. */
  chance(probability: number): boolean;
  /** An integer from `low` to `high`. */
  between(low: number, high: number): number;
}

interface Event {
  readonly t: number;
  readonly order: number;
  run: (() => void) | undefined;
  readonly living: (() => boolean) | undefined;
}

/** The lines of a trace that are kept. */
const TRACE = 5_000;

type Later = (run: () => void) => void;

const macrotask = systemClock().defer;

/**
 * Calls `run` when no job is left: as a tick, of which ten cost what a task of the host does. What a job asks for as a
 * tick comes when all jobs are done.
 */
const tick: Later = ticks(macrotask);

function ticks(otherwise: Later): Later {
  const nextTick = (globalThis as { process?: { nextTick?: Later } }).process?.nextTick;
  if (nextTick === undefined) return otherwise;
  return (run) => queueMicrotask(() => nextTick(run));
}

/** Resolves when every job that is queued, and every job that follows from one, has run. */
export function drained(): Promise<void> {
  return new Promise<void>(tick);
}

/** Resolves when the host has looked for rejections that nobody handles, too. */
export function rested(): Promise<void> {
  return new Promise<void>(macrotask);
}

/**
 * Makes a world of a seed; keeps a readable trace when `traced`.
 *
 * Some run each turn as a task of the host, which tells after each whether a rejection was handled in time; `hosted`
 * says which do, and changes nothing else.
 */
export function createWorld(seed: number, traced: boolean, hosted: boolean = seed % 8 === 0): World {
  const events: Event[] = [];
  const tasks: (() => void)[] = [];
  const lines: string[] = [];
  const order = chanceOf(seed, 0);
  const later = hosted ? macrotask : tick;
  let now = 0;
  let count = 0;
  let turns = 0;
  let faults = 0;
  let high = 0x811c9dc5;
  let low = 0xc9dc5811;
  let failure: Failure | undefined;

  function next(): (() => void) | undefined {
    while (events.length > 0 && isOver(events[0] as Event)) popEvent(events);
    const due = events[0] !== undefined && events[0].t <= now;
    if (tasks.length > 0 && !(due && order.once(3))) return tasks.shift();
    const event = popEvent(events);
    if (event === undefined) return undefined;
    if (event.t > now) now = event.t;
    const { run } = event;
    event.run = undefined;
    return run;
  }

  function note(hashed: string, text?: () => string): void {
    for (let i = 0; i < hashed.length; i++) {
      const unit = hashed.charCodeAt(i);
      high = Math.imul(high ^ unit, 0x01000193);
      low = Math.imul(low ^ (unit + i), 0x01000193);
    }
    if (!traced) return;
    lines.push(`${String(now).padStart(7)} ${text === undefined ? hashed : text()}`);
    if (lines.length > TRACE) lines.splice(0, TRACE / 2);
  }

  function fail(rule: string, what: string): void {
    if (failure !== undefined) return;
    failure = { rule, what };
    note(`${rule} ${what}`, () => `** ${rule}: ${what}`);
  }

  return {
    seed,
    now: () => now,
    pass: (ms) => void (now += ms),
    at(ms, run, living) {
      const event: Event = { t: now + Math.max(0, Math.ceil(ms)), order: count++, run, living };
      pushEvent(events, event);
      return () => void (event.run = undefined);
    },
    task: (run) => void tasks.push(run),
    run: (until) =>
      new Promise<boolean>((done) => {
        const turn = (): void => {
          if (until()) return done(true);
          turns++;
          const run = next();
          if (run === undefined) return done(false);
          try {
            run();
          } catch (error) {
            fail("thrown", error instanceof Error ? error.stack ?? error.message : String(error));
          }
          later(turn);
        };
        macrotask(turn);
      }),
    turns: () => turns,
    stream: (purpose) => chanceOf(seed, purpose),
    note,
    fault(what) {
      faults++;
      note(what);
    },
    faults: () => faults,
    fail,
    failure: () => failure,
    trace: () => lines,
    hash: () => hex(high) + hex(low),
  };
}

function chanceOf(seed: number, purpose: number): Chance {
  const random = createRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(purpose + 1, 0x85ebca6b));
  // neighbouring seeds begin alike otherwise
  for (let i = 0; i < 3; i++) random.int(2);
  return {
    ...random,
    chance: (probability) => probability > 0 && random.int(1_000_000) < probability * 1_000_000,
    between: (from, to) => from + random.int(to - from + 1),
  };
}

function hex(n: number): string {
  return (n >>> 0).toString(16).padStart(8, "0");
}

function isOver({ run, living }: Event): boolean {
  return run === undefined || living?.() === false;
}

function before(a: Event, b: Event): boolean {
  return a.t < b.t || (a.t === b.t && a.order < b.order);
}

function pushEvent(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1;
  while (at > 0) {
    const up = (at - 1) >> 1;
    if (before(heap[up] as Event, event)) break;
    heap[at] = heap[up] as Event;
    at = up;
  }
  heap[at] = event;
}

function popEvent(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let down = 2 * at + 1;
    if (down >= heap.length) break;
    if (down + 1 < heap.length && before(heap[down + 1] as Event, heap[down] as Event)) down++;
    if (before(last, heap[down] as Event)) break;
    heap[at] = heap[down] as Event;
    at = down;
  }
  heap[at] = last;
  return first;
}
