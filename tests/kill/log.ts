/**
 * The one truth of the test: what bodies did and what clients were told, in one order, on the disk before anybody goes
 * on. Written by the process that is not killed.
 *
 * @module
 */
import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";
import type { Effect, Shown } from "./wire.ts";

/** What is written: the log adds when, and of which process. */
export type Event =
  /** A process was started, had its modules loaded, took requests. */
  | { what: "spawned" | "loaded" | "up" }
  /** It comes to its first effect, having waited so long for a core, ms: what a machine that does less would have saved it. */
  | { what: "waited"; ms: number }
  /** It is about to be killed, having waited so long for a core. */
  | { what: "shot"; ms: number }
  /** It is gone, by a signal that it could do nothing about. */
  | ({ what: "killed" } & Phase)
  /** It was asked to go, and is gone. */
  | { what: "asked to go"; bodies: string[] }
  | { what: "gone"; code: number | null }
  /** It was stopped, and goes on. */
  | { what: "stopped"; bodies: string[] }
  | { what: "woken" }
  | Effect
  /** A client was told that the instance exists, that the event is taken, that the instance is terminated. */
  | { what: "created"; who: string }
  | { what: "sent"; who: string; type: string; n: number }
  | { what: "terminated"; who: string }
  /** A client asks for the end of an instance: from here on it may come. */
  | { what: "terminating"; who: string }
  /** A client was shown this. */
  | { what: "shown"; who: string; shown: Shown }
  /** A client got an error. */
  | { what: "refused"; who: string; code: string; message: string }
  /** What a mode did to the world. */
  | { what: "note"; note: string };

/** One line. */
export type Entry = Event & {
  /** Ms since the test began. */
  at: number;
  /** The process that it is of, counted in the order of their starts. */
  life: number;
};

/** Where a kill found the process. */
export interface Phase {
  /** It had not said yet that it takes requests. */
  starting: boolean;
  /** Instances that had a body under way. */
  bodies: string[];
  /** A commit had begun and not come back. */
  commit: boolean;
}

/** The log. */
export interface Log {
  /** Whether what is appended is on the disk when {@linkcode Log.write} returns, and not only with the system. */
  syncs: boolean;
  /** Appends entries. */
  write(life: number, events: Event[]): void;
  /** Reads all of it from the disk. */
  read(): Entry[];
  close(): void;
}

/** Opens a new one. */
export function openLog(path: string): Log {
  const file = openSync(path, "a");
  const start = performance.now();
  return {
    syncs: true,
    write(life, events) {
      const at = performance.now() - start;
      writeSync(file, events.map((event) => `${JSON.stringify({ at, life, ...event })}\n`).join(""));
      if (this.syncs) fdatasyncSync(file);
    },
    read: () => readFileSync(path, "utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Entry),
    close: () => closeSync(file),
  };
}
