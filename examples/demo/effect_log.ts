/**
 * What really happened, written down by a process that nobody kills: each line is on the disk before the body that it
 * speaks of goes on. It is no journal of the engine, and the engine never reads it.
 *
 * @module
 */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import type { Body } from "./wire.ts";

/** One line. */
export type Entry =
  /** A body began, ended well or failed. */
  | { at: number; what: "begin" | "end" | "failed"; body: Body }
  /** The platform showed a step as done. */
  | { at: number; what: "recorded"; tenant: string; instance: string; step: string }
  /** The platform was started, was killed. */
  | { at: number; what: "started" | "killed" };

/** An entry before it has its time. */
export type Event = Entry extends infer E ? E extends Entry ? Omit<E, "at"> : never : never;

/** The log. */
export interface EffectLog {
  /** Writes entries; they are on the disk when it returns. */
  write(...events: Event[]): void;
  /** Reads back what is on the disk. */
  read(): Entry[];
  close(): void;
}

/** Opens a new one. */
export function openEffectLog(path: string): EffectLog {
  const file = openSync(path, "a");
  const start = performance.now();
  return {
    write(...events) {
      const at = Math.round(performance.now() - start);
      writeSync(file, events.map((event) => `${JSON.stringify({ at, ...event })}\n`).join(""));
      fsyncSync(file);
    },
    read: () => readFileSync(path, "utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Entry),
    close: () => closeSync(file),
  };
}

/** One body as the log tells it. */
export interface Stretch extends Body {
  from: number;
  /** When it ended, or was cut off. */
  to: number;
  how: "ended" | "failed" | "cut off";
}

/** The bodies, in the order in which they began. */
export function stretches(entries: Entry[]): Stretch[] {
  const all: Stretch[] = [];
  const running = new Map<string, Stretch>();
  for (const entry of entries) {
    if (entry.what === "begin") {
      const stretch: Stretch = { ...entry.body, from: entry.at, to: entry.at, how: "cut off" };
      all.push(stretch);
      running.set(nameOf(entry.body), stretch);
    } else if (entry.what === "end" || entry.what === "failed") {
      const stretch = running.get(nameOf(entry.body));
      if (stretch !== undefined) Object.assign(stretch, { to: entry.at, how: entry.what === "end" ? "ended" : "failed" });
      running.delete(nameOf(entry.body));
    } else if (entry.what === "killed") {
      for (const stretch of running.values()) stretch.to = entry.at;
      running.clear();
    }
  }
  return all;
}

/** What the log proves. */
export interface Verdict {
  /** Steps that are done. */
  steps: number;
  /** Of these, how many needed one body, more because one was cut off, and more because one failed. */
  once: number;
  cutOff: number;
  retried: number;
  /** Finished steps whose body began again. */
  ranAgain: string[];
  /** Steps that are said to be done and have no body that ended. */
  neverEnded: string[];
}

/** Judges by the order of the lines: a body that begins below the line that says that its step is done ran twice. */
export function judge(entries: Entry[]): Verdict {
  const done = new Set<string>();
  const began = new Map<string, string[]>();
  const ranAgain: string[] = [];
  for (const entry of entries) {
    if (entry.what === "recorded") done.add(stepOf(entry));
    if (entry.what === "begin" && done.has(stepOf(entry.body))) ranAgain.push(nameOf(entry.body));
  }
  for (const stretch of stretches(entries)) {
    began.set(stepOf(stretch), [...began.get(stepOf(stretch)) ?? [], stretch.how]);
  }
  const bodies = [...done].map((step) => began.get(step) ?? []);
  const once = bodies.filter((ends) => ends.length === 1).length;
  // A body may end and be killed before anybody knows: then it is run again, too.
  const cutOff = bodies.filter((ends) => ends.includes("cut off") || ends.filter((how) => how === "ended").length > 1).length;
  return {
    steps: done.size,
    once,
    cutOff,
    retried: done.size - once - cutOff,
    ranAgain,
    neverEnded: [...done].filter((step) => !began.get(step)?.includes("ended")),
  };
}

/** A step, by a text of its own. */
export function stepOf({ tenant, instance, step }: { tenant: string; instance: string; step: string }): string {
  return `${tenant}/${instance}/${step}`;
}

function nameOf(body: Body): string {
  return `${stepOf(body)}, attempt ${body.attempt}`;
}
