/**
 * What a process under test and its parent say to each other: one JSON object a line, over the standard streams.
 *
 * @module
 */
import type { Plan } from "./plan.ts";

/** An attempt at a step, as its binding sees it. */
interface Body {
  /** `tenant/instance`. */
  who: string;
  step: string;
  attempt: number;
  key: string;
  /** What the run had been told. */
  saw: Record<string, unknown>;
}

/** Something that a body does. */
export type Effect =
  | (Body & { what: "begin" })
  | (Body & { what: "failed" })
  | (Body & { what: "end"; value: string });

/** What a client asks for. */
export type Ask =
  | { op: "deploy"; tenant: string }
  | { op: "create"; tenant: string; id: string; plan: Plan }
  | { op: "event"; tenant: string; id: string; type: string; payload: unknown; event: string }
  | { op: "terminate"; tenant: string; id: string }
  | { op: "read"; tenant: string; id: string }
  | { op: "close" };

/** What the public API shows of an instance. */
export interface Shown {
  status: string;
  output: Record<string, unknown> | null;
  error: string | null;
  /** Results of the steps that it says are done. */
  steps: Record<string, unknown>;
}

/** The answer to a client. */
export type Answer = { ok: true; shown?: Shown } | { ok: false; code: string; message: string };

/** What the child says. */
export type FromChild =
  /** Its modules are loaded. */
  | { say: "loaded" }
  /** It takes requests. */
  | { say: "up" }
  /** It cannot be opened. */
  | { say: "refused"; code: string; message: string }
  | { say: "effect"; id: number; effect: Effect }
  | { say: "answer"; id: number; answer: Answer };

/** What it is told. */
export type ToChild =
  /** The effect is on the disk: the body may go on. */
  | { tell: "written"; id: number }
  | { tell: "ask"; id: number; ask: Ask };

/** A Postgres, and what the child is to be there. */
export interface Server {
  readonly url: string;
  readonly schema: string;
  /** The name of its machine. */
  readonly machine: string;
  /** Ms. */
  readonly lease: number;
}

/** Where the data of a child is: its only argument, as JSON. */
export interface Files {
  readonly database: string;
  /** A server in place of the database. */
  readonly server?: Server;
  /** Holds `C` while a commit is in flight. */
  readonly phase: string;
}

/** The part of a stream that {@linkcode readLines} needs. */
interface TextStream {
  setEncoding(encoding: "utf8"): unknown;
  on(event: "data", listener: (text: string) => void): unknown;
}

/** Calls `heard` with the whole lines of each chunk. What a killed process left of a line is nobody's. */
export function readLines<Message>(stream: TextStream, heard: (messages: Message[]) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    if (lines.length > 0) heard(lines.map((line) => JSON.parse(line) as Message));
  });
}
