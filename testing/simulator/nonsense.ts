/**
 * What a tenant's code could forge in place of a command. Nothing may come of it.
 *
 * @module
 */
import { frame } from "../../core/frame.ts";

const LONG = "n".repeat(300);

/** Frames that are no commands, or commands of nobody. */
export const NONSENSE: readonly string[] = [
  "",
  "nonsense",
  "null",
  "[]",
  "7",
  ...[
    {},
    { c: "none", id: 1, in: 0, name: "x" },
    { c: "do" },
    { c: "do", id: 0, in: 0, name: "x" },
    { c: "do", id: -1, in: 0, name: "x" },
    { c: "do", id: 1.5, in: 0, name: "x" },
    { c: "do", id: "1", in: 0, name: "x" },
    { c: "do", id: 900_001, in: -1, name: "x" },
    { c: "do", id: 900_001, in: "0", name: "x" },
    { c: "do", id: 900_001, in: 0, name: LONG },
    { c: "do", id: 900_001, in: 0, name: 7 },
    { c: "do", id: 900_001, in: 0, name: "x", config: 7 },
    { c: "do", id: 900_001, in: 0, name: "x", config: { retries: { limit: -1, delay: 0, backoff: "linear" }, timeout: 5 } },
    { c: "do", id: 900_001, in: 900_000, name: "x" },
    { c: "sleep", id: 900_001, in: 0, name: "x" },
    { c: "sleep", id: 900_001, in: 0, name: "x", ms: -1 },
    { c: "sleep", id: 900_001, in: 0, name: "x", ms: "1" },
    { c: "sleep", id: 900_001, in: 0, name: "x", until: 1e300 },
    { c: "sleep", id: 0, in: 0, name: "x", ms: 1 },
    { c: "wait", id: 900_001, in: 0, name: "x", type: "paid" },
    { c: "wait", id: 900_001, in: 0, name: "x", type: 7, timeout: 1 },
    { c: "wait", id: 900_001, in: 0, name: "x", type: LONG, timeout: 1 },
    { c: "wait", id: 900_001, in: -1, name: "x", type: "paid", timeout: 1 },
    { c: "call", id: 900_001, in: 0, target: "API" },
    { c: "call", id: 900_001, in: 0, target: LONG, method: "ping" },
    { c: "call", id: 900_001, in: 900_000, target: "API", method: "ping" },
    { c: "call", id: 0, in: 0, target: "API", method: "ping" },
    { c: "timer", id: 900_001, in: 900_000, ms: 5 },
    { c: "timer", id: 900_001, in: 0 },
    { c: "timer", id: 900_001, in: 0, ms: -5 },
    { c: "done", id: 900_000, attempt: 1, ok: true },
    { c: "done", id: 1, attempt: 0, ok: true },
    { c: "done", id: 1, attempt: 1_000, ok: true },
    { c: "done", id: 1, attempt: 1_000, ok: false },
    { c: "done", id: 1, attempt: 1 },
    { c: "done", id: 1, attempt: 1, ok: "yes" },
    { c: "end" },
    { c: "end", ok: 1 },
    { c: "log", in: 0, level: "loud" },
  ].map((header) => frame(header, "u")),
];
