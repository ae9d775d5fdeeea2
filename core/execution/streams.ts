/**
 * Streams of one execution: those that running attempts return, piece by piece, and those that are read.
 *
 * **Written.** An attempt has one piece under way; its guest hears of it when it is durable, and only then sends the
 * next one. So memory is bounded, and all pieces are durable before, or with, the record that refers to them.
 *
 * **Read by the run.** No read is recorded. What it gives is determined by the record that refers to the stream, whose
 * pieces never change. When it is given is determined too: the answer to the run's first read is the next thing that is
 * delivered, whatever else there is, and until then nothing is decided, so no settlement is recorded either. A turn
 * with its reads and their answers is thereby one step of the run, live and in replay alike: reads settle in the order
 * in which they were issued, before everything that was not delivered when they were.
 *
 * **Read by a body.** It is the body's own, like a call. A guest in the host's realm may take it for one of the run, where
 * its runtime's streams do not say for whom they are read (Bun's): it is answered all the same, and no replay issues it.
 *
 * @module
 */
import type { AttemptResult } from "../instance/decide/step.ts";
import { fullText, isFull } from "../instance/decide/common.ts";
import { failure } from "../instance/failures.ts";
import type { Replay } from "../instance/replay.ts";
import { isEnded, type Op } from "../instance/state.ts";
import type { Command } from "../ports/guest.ts";
import { PIECE_BYTES } from "../stream.ts";
import { base64Length } from "../values/base64.ts";
import type { Attempt } from "./attempt.ts";
import type { Bodies } from "./bodies.ts";
import { answer, answerRun, type Outgoing } from "./deliveries.ts";
import type { Desk } from "./desk.ts";

/** What an attempt has sent of its stream. */
export interface Written {
  pieces: number;
  bytes: number;
  /** A piece is on its way to the store. */
  busy: boolean;
  /** There was a piece that is not full: the last one. */
  ended: boolean;
  /** Why nothing comes of it. */
  refused: string | undefined;
}

/** What the streams of an execution are made of. */
export interface StreamsParts {
  readonly desk: Desk;
  readonly replay: Replay;
  readonly bodies: Pick<Bodies, "around" | "over" | "refuse" | "size">;
  /** Queues a delivery. */
  deliver(delivery: Outgoing): void;
}

type Piece = Command & { readonly c: "piece" };
type Read = Command & { readonly c: "read" };

/** The streams of one execution. */
export interface Streams {
  /** Takes a piece of an attempt that runs, or a read of one or of the run. Of any other it is nobody's. */
  take(command: Piece | Read, value: string): void;
  /** Whether the run waits for a read: then nothing else is delivered or decided. */
  reading(): boolean;
  /** The answer to the run's first read, when it is there. */
  next(now: number): Outgoing | undefined;
}

/** A piece as it is sent: a JSON string of base64. */
const PIECE = /^j"[A-Za-z0-9+/]+={0,2}"$/;
const MISUSED = "Cannot store the result: its pieces are no stream's";

interface Answer {
  readonly ok: boolean;
  readonly value: string;
}

/** What comes of an attempt that has ended with its stream. */
export function streamOf({ attempt, stream }: Attempt, life: number): AttemptResult {
  if (stream?.refused !== undefined) return { ok: false, retry: false, ...failure("WorkflowFatalError", stream.refused) };
  return { ok: true, retry: true, value: "", error: undefined, stream: { life, attempt, pieces: stream?.pieces ?? 0, bytes: stream?.bytes ?? 0 } };
}

/** Makes the streams of one execution. */
export function createStreams({ desk, replay, bodies, deliver }: StreamsParts): Streams {
  const { clock, limits, state } = desk;
  /** Attempts that have sent pieces. */
  const writing = new Set<Attempt>();
  const reads: { readonly id: number; readonly of: number; readonly n: number; answer: Answer | undefined }[] = [];
  let loading = false;
  /** The last read of a body: one at a time, or many would hold many pieces in memory. */
  let tail: Promise<unknown> = Promise.resolve();

  function reply(attempt: Attempt, id: number, ok: boolean, value: string | undefined): void {
    if (attempt.closed) return;
    deliver(answer(id, ok, value, attempt.op, clock.now()));
    desk.runnable();
  }

  /** Why a piece is not taken. */
  function refusal(attempt: Attempt, written: Written, n: number, bytes: number | undefined): string | undefined {
    if (bytes === undefined || bytes > PIECE_BYTES || n !== written.pieces || written.busy || written.ended) return MISUSED;
    const { name } = state.ops[attempt.op] as Op;
    if (written.bytes + bytes > limits.streamBytes) {
      return `Cannot store the result of step "${name}": the stream has more than the limit of ${limits.streamBytes} bytes`;
    }
    let all = bytes;
    for (const other of writing) {
      if (other.closed) writing.delete(other);
      else all += other.stream?.bytes ?? 0;
    }
    return isFull(state, limits, all) ? `Cannot store the result of step "${name}": the ${fullText(limits)}` : undefined;
  }

  async function load(of: number, n: number): Promise<Answer> {
    const op = state.ops[replay.opOf(of) ?? -1];
    const stream = op?.settled?.stream;
    if (op === undefined || stream === undefined || n >= stream.pieces) return unread("it has no such piece");
    const value = await desk.streams.get({ op: op.op, life: stream.life, attempt: stream.attempt }, n);
    return value === null ? unread("a piece of it is missing") : { ok: true, value };
  }

  function loadFirst(): void {
    const [first] = reads;
    if (loading || first === undefined || first.answer !== undefined) return;
    loading = true;
    load(first.of, first.n).then((answer) => {
      loading = false;
      first.answer = answer;
      desk.runnable();
    });
  }

  function piece(attempt: Attempt, { id, attempt: number, n }: Piece, value: string): void {
    if (attempt.attempt !== number) return;
    const op = state.ops[attempt.op] as Op;
    if (attempt.failed !== undefined || bodies.over(attempt.op) || op.kind !== "do") return bodies.refuse(attempt, id);
    const written = attempt.stream ??= { pieces: 0, bytes: 0, busy: false, ended: false, refused: undefined };
    writing.add(attempt);
    const bytes = PIECE.test(value) ? base64Length(value.slice(2, -1)) : undefined;
    written.refused ??= refusal(attempt, written, n, bytes);
    if (written.refused !== undefined || bytes === undefined) {
      return reply(attempt, id, false, failure("WorkflowFatalError", written.refused ?? MISUSED).value);
    }
    desk.streams.put({ op: attempt.op, life: state.life, attempt: number }, n, value);
    written.pieces++;
    written.bytes += bytes;
    written.ended = bytes < PIECE_BYTES;
    written.busy = true;
    desk.afterCommit(() => {
      written.busy = false;
      reply(attempt, id, true, undefined);
    });
  }

  function read(attempt: Attempt | undefined, { id, of, n }: Read): void {
    if (attempt !== undefined || isEnded(state)) return readAside(attempt, id, of, n);
    // a stream is read by one read at a time, and there are no more streams than steps
    if (reads.length > limits.steps) return;
    reads.push({ id, of, n, answer: undefined });
    loadFirst();
  }

  /** Without an attempt: where a runtime does not say who reads a stream, that is a body's, too. */
  function readAside(attempt: Attempt | undefined, id: number, of: number, n: number): void {
    tail = tail.then(async () => {
      if (attempt?.closed ?? bodies.size() === 0) return;
      const { ok, value } = await load(of, n);
      if (attempt !== undefined) return reply(attempt, id, ok, value);
      if (bodies.size() === 0) return;
      deliver(answerRun(id, ok, value, state.t));
      desk.runnable();
    });
  }

  return {
    take(command, value) {
      const attempt = bodies.around(command.in);
      if (command.c === "read") {
        if (attempt !== undefined || command.in === 0) read(attempt, command);
      } else if (attempt !== undefined) piece(attempt, command, value);
    },
    reading: () => reads.length > 0 && !isEnded(state),
    next(now) {
      const first = reads[0];
      if (first?.answer === undefined) return undefined;
      reads.shift();
      loadFirst();
      return answerRun(first.id, first.answer.ok, first.answer.value, now);
    },
  };
}

function unread(why: string): Answer {
  return { ok: false, value: failure("WorkflowFatalError", `Cannot read the stream: ${why}`).value };
}
