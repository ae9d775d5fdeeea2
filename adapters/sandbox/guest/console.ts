/**
 * A `console` that writes to the instance's log.
 *
 * @module
 */
import type { Command } from "../../../core/ports/guest.ts";
import { formatLog } from "./format.ts";
import { freeze } from "./intrinsics.ts";

/** Levels of a log. */
export type LogLevel = (Command & { c: "log" })["level"];

/** The methods that a tenant's `console` has. */
export interface GuestConsole {
  debug(...values: unknown[]): void;
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  trace(...values: unknown[]): void;
}

/** Lines that one guest may write. What is more is the host's to say: it counts bytes. */
export const MAX_LOG_LINES = 20_000;

/** Makes one. */
export function makeConsole(log: (level: LogLevel, text: string) => void): GuestConsole {
  const write = (level: LogLevel) => (...values: unknown[]): void => log(level, formatLog(values));
  return {
    debug: freeze(write("debug")),
    log: freeze(write("info")),
    info: freeze(write("info")),
    warn: freeze(write("warn")),
    error: freeze(write("error")),
    trace: freeze(write("debug")),
  };
}
