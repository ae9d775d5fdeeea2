/**
 * What `tails` are told of loaded code: for each request, call and run, when it is over, what it has logged and what it
 * failed with, as Cloudflare's trace items say it.
 *
 * @module
 */
import { describeError } from "../../core/values.ts";
import { byteLength } from "../../core/utf8.ts";
import type { Clock } from "../../core/ports/clock.ts";

/** Whoever is told: a stub of an entrypoint with a method `tail`. */
export interface Tail {
  /** Takes items; what it throws is nobody's. */
  tail(items: readonly TraceItem[]): unknown;
}

/** How code ended. */
export type TraceOutcome = "ok" | "exception" | "exceededCpu" | "exceededMemory" | "canceled";

/** What was asked of the code. */
export type TraceEvent =
  | { readonly request: { readonly url: string; readonly method: string; readonly headers: Readonly<Record<string, string>> }; readonly response?: { readonly status: number } }
  | { readonly rpcMethod: string };

/** One request, call or run. */
export interface TraceItem {
  /** What was asked. */
  readonly event: TraceEvent;
  /** When it began, ms since the Unix epoch. */
  readonly eventTimestamp: number;
  /** Lines of `console`, in order. */
  readonly logs: readonly { readonly timestamp: number; readonly level: string; readonly message: readonly string[] }[];
  /** What it failed with: none or one. */
  readonly exceptions: readonly { readonly timestamp: number; readonly name: string; readonly message: string }[];
  /** How it ended. */
  readonly outcome: TraceOutcome;
  /** The id by which it was loaded, or `null`. */
  readonly scriptName: string | null;
  /** The exported class. */
  readonly entrypoint: string;
  /** Whether some of its logs are left out. */
  readonly truncated: boolean;
  /** As in Cloudflare's items of code that is no Durable Object. */
  readonly executionModel: "stateless";
  /** Always empty: guests have no such channels. */
  readonly diagnosticsChannelEvents: readonly never[];
  /** Ms. */
  readonly wallTime: number;
}

/** One that is not over. */
export interface Trace {
  log(level: string, text: string): void;
  /** It is over; said once. */
  end(outcome: TraceOutcome, more?: { readonly error?: unknown; readonly status?: number }): void;
}

/** What is known when it begins. */
export interface TraceStart {
  readonly tails: readonly Tail[];
  readonly event: TraceEvent;
  readonly scriptName: string;
  readonly entrypoint: string | undefined;
  /** The instance, when it is a run. */
  readonly of?: string;
}

/** Lines and bytes of one item. */
const MOST_LINES = 1_000;
const MOST_BYTES = 262_144;
/** Items on their way to tails that have not answered; further ones are dropped. */
const MOST_ON_THEIR_WAY = 100;
/** A tail that takes longer is not waited for, ms. */
const TAIL_MS = 30_000;
/** Lines of a run are shown when they are durable, which may be after its guest is gone, ms. */
const LINES_LATER = 1_000;

/** The traces of one server. */
export interface Traces {
  /** Begins one; `undefined` when nobody wants to know. */
  begin(start: TraceStart): Trace | undefined;
  /** A line of a run's log that is durable. */
  line(of: string, level: string, text: string): void;
  /** Tells what it has of those that wait for lines. */
  flush(): void;
}

/**
 * Makes them.
 *
 * @param dropped told once when items begin to be dropped
 */
export function createTraces(clock: Clock, dropped: () => void): Traces {
  const runs = new Map<string, ((level: string, text: string) => void)[]>();
  const later = new Set<() => void>();
  const under = new Set<Promise<void>>();
  let told = false;

  function send(tail: Tail, item: TraceItem): void {
    if (under.size >= MOST_ON_THEIR_WAY) {
      if (!told) dropped();
      told = true;
      return;
    }
    const sent = new Promise<void>((done) => {
      const stop = clock.setTimer(TAIL_MS, done);
      void (async () => {
        try {
          // to each its own: what one changes the next does not see
          await tail.tail([structuredClone(item)]);
        } catch {
          // a tail that fails is the dispatcher's
        }
        stop();
        done();
      })();
    });
    under.add(sent);
    void sent.then(() => under.delete(sent));
  }

  return {
    begin({ tails, event, scriptName, entrypoint, of }) {
      if (tails.length === 0) return undefined;
      const eventTimestamp = clock.now(), began = clock.monotonic();
      const logs: { timestamp: number; level: string; message: string[] }[] = [];
      let bytes = 0, truncated = false, ended = false;
      function log(level: string, text: string): void {
        bytes += byteLength(text);
        if (logs.length >= MOST_LINES || bytes > MOST_BYTES) truncated = true;
        else logs.push({ timestamp: clock.now(), level: level === "info" ? "log" : level, message: [text] });
      }
      if (of !== undefined) runs.set(of, [...runs.get(of) ?? [], log]);
      return {
        log,
        end(outcome, { error, status } = {}) {
          if (ended) return;
          ended = true;
          const exceptions = outcome === "ok" || outcome === "canceled" ? [] : [{ timestamp: clock.now(), ...describeError(error) }];
          const wallTime = clock.monotonic() - began;
          const tell = (): void => {
            later.delete(tell);
            if (of !== undefined) forget(of, log);
            const answered = "request" in event && status !== undefined ? { ...event, response: { status } } : event;
            const item: TraceItem = { event: answered, eventTimestamp, logs, exceptions, outcome, scriptName: scriptName === "" ? null : scriptName, entrypoint: entrypoint ?? "default", truncated, executionModel: "stateless", diagnosticsChannelEvents: [], wallTime };
            for (const tail of tails) send(tail, item);
          };
          if (of === undefined) return tell();
          later.add(tell);
          clock.setTimer(LINES_LATER, () => later.has(tell) && tell());
        },
      };
    },
    line: (of, level, text) => runs.get(of)?.at(-1)?.(level, text),
    flush() {
      for (const tell of [...later]) tell();
    },
  };

  function forget(of: string, log: (level: string, text: string) => void): void {
    const left = (runs.get(of) ?? []).filter((each) => each !== log);
    if (left.length === 0) runs.delete(of);
    else runs.set(of, left);
  }
}

const SECRET = /auth|cookie|jwt|key|secret|token/i;

/** Headers as they are shown: what may be secret is not. */
export function shownHeaders(headers: Iterable<readonly [string, string]>): Readonly<Record<string, string>> {
  return Object.fromEntries([...headers].map(([name, value]) => [name, SECRET.test(name) ? "REDACTED" : value]));
}
