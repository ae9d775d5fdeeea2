/**
 * Streamers: runs of a tenant of its own whose steps return streams, which the run and other steps read. What is read is
 * what the attempt has given whose result was recorded; a result that is recorded has all its pieces, as long as it is
 * kept; and what is nobody's is gone in the end (I35).
 *
 * @module
 */
import type { WorkflowCallbackContext, WorkflowStep } from "../../core/entrypoint.ts";
import { TenureError } from "../../core/errors.ts";
import type { InstanceKey, ShardBatch } from "../../core/ports/store.ts";
import { MARKS, pieceCell, seriesName } from "../../core/shard/stream_cells.ts";
import { PIECE_BYTES, type StoredStream } from "../../core/stream.ts";
import type { WorkflowInstance } from "../../core/workflow.ts";
import { linesOf } from "./appended.ts";
import { createAsking } from "./asking.ts";
import type { Server } from "./clients.ts";
import { type Ledger, nameOf } from "./ledger.ts";
import type { LifeModel } from "./life_model.ts";
import type { Plan } from "./plan.ts";
import type { Place } from "./restarts.ts";
import type { Slots } from "./slots.ts";
import type { Chance, World } from "./world.ts";

/** A step that returns a stream, and what becomes of that. */
export interface StreamNode {
  readonly name: string;
  /** Of the chunks that it gives, bytes. */
  readonly chunks: readonly number[];
  /** Attempts up to this number fail, after their first chunk. */
  readonly fails: number;
  /** What it waits for before each chunk, ms. */
  readonly work: number;
  /** Who reads it: the run at once, partly at once, beside something else or at its end; a step; nobody. */
  readonly read: "whole" | "part" | "beside" | "last" | "step" | "no";
  /** How long the run sleeps after it, ms; 0: it does not. */
  readonly nap: number;
}

/** A run: what it is started with. */
export interface Streamer {
  readonly salt: number;
  readonly nodes: readonly StreamNode[];
}

/** What a run is given beside its step. */
export interface StreamerPlace {
  /** An attempt begins; hears of a result that is no stream. */
  begin(ctx: WorkflowCallbackContext, path: string): Promise<(result: string) => string>;
  /** Waits in the process. */
  sleep(ms: number): Promise<void>;
  /** Something was read, or thrown, that should not have been. */
  wrong(what: string): void;
}

/** What they are made of. */
export interface StreamersParts {
  readonly world: World;
  readonly plan: Plan;
  readonly ledger: Ledger;
  /** Who takes requests now. */
  readonly slots: Slots;
}

/** Those of one simulation. */
export interface Streamers {
  /** The books, which hear of all that is committed, too. */
  readonly ledger: Ledger;
  /** The most bytes of a stream of theirs. */
  readonly streamBytes: number;
  start(): void;
  /** Nobody does anything to them any more: they come to their end. */
  end(): void;
  /** Whether one goes on, or something is left that is nobody's. */
  busy(): boolean;
  describe(): string;
}

const TENANT = "streams";
/** What may stand in the way of a verb: another one that came first. */
const REFUSED = /^(instance\.|quota_exceeded|invalid_argument|corrupt)/;
/** What a step may come to that returns a stream, or reads one. */
const MAY_FAIL = /^(boom |died in |The limit of |Cannot store the result of step |WorkflowTimeoutError: |The attempt )|what it stands in has ended$/;

/** Whether an instance is one of them. */
export function isStreamer({ tenant }: InstanceKey): boolean {
  return tenant === TENANT;
}

/** All bytes of a stream of an attempt: which it is can be seen by any. */
function byteOf(salt: number, at: number, attempt: number): number {
  return (salt * 67 + at * 31 + attempt) & 255;
}

function given({ salt, nodes }: Streamer, at: number, attempt: number, place: StreamerPlace): ReadableStream<Uint8Array> {
  const { chunks, fails, work } = nodes[at] as StreamNode;
  let n = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (work > 0) await place.sleep(work);
      if (n === Math.min(1, chunks.length) && attempt <= fails) return controller.error(new Error(`boom ${at} ${attempt}`));
      const length = chunks[n++];
      if (length === undefined) return controller.close();
      controller.enqueue(new Uint8Array(length).fill(byteOf(salt, at, attempt)));
    },
  }, { highWaterMark: 0 });
}

/** Reads what is left of a stream: of which attempt it is, and how much. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>, byte: number | undefined, place: StreamerPlace, most = Infinity): Promise<readonly [byte: number | undefined, bytes: number]> {
  let bytes = 0;
  for (let n = 0; n < most; n++) {
    const { done, value } = await reader.read();
    if (done) break;
    byte ??= value[0];
    if (value.some((each) => each !== byte)) place.wrong("two attempts in one stream");
    bytes += value.length;
  }
  return [byte, bytes];
}

/** The run of one, as its author would write it. */
export async function runStreamer(streamer: Streamer, step: WorkflowStep, place: StreamerPlace): Promise<unknown> {
  const { salt, nodes } = streamer;
  const told: string[] = [];
  const last: (() => Promise<string>)[] = [];

  /** What was read has to be all that some attempt gave. */
  function text(at: number, byte: number | undefined, bytes: number): string {
    const { chunks, fails } = nodes[at] as StreamNode;
    const all = chunks.reduce((sum, n) => sum + n, 0);
    const attempt = byte === undefined ? 0 : (byte - byteOf(salt, at, 0)) & 255;
    if (bytes !== all || (byte !== undefined && attempt <= fails)) place.wrong(`${bytes} bytes of ${all} were read of attempt ${attempt} of ${at}`);
    return `${at}:${attempt}`;
  }

  async function one(at: number, { name, read, nap }: StreamNode): Promise<void> {
    const config = { retries: { limit: 3, delay: 5, backoff: "constant" as const }, timeout: 20_000 };
    const stream = await step.do(name, config, async (ctx) => {
      await place.begin(ctx, name);
      return given(streamer, at, ctx.attempt, place);
    });
    const whole = async (reader = stream.getReader(), known?: number, before = 0): Promise<string> => {
      const [byte, bytes] = await drain(reader, known, place);
      return text(at, byte, before + bytes);
    };
    if (read === "whole") told.push(await whole());
    if (read === "last") last.push(() => whole());
    if (read === "part") {
      const reader = stream.getReader();
      const [byte, bytes] = await drain(reader, undefined, place, 1);
      last.push(() => whole(reader, byte, bytes));
    }
    if (read === "beside") {
      const beside = step.do(`${name} beside`, config, async (ctx) => (await place.begin(ctx, `${name} beside`))("b")).catch(expected);
      const [a, b] = await Promise.all([whole(), beside, step.sleep(`${name} nap`, 1)]);
      told.push(a, b);
    }
    if (read === "step") {
      told.push(await step.do(`${name} read`, config, async (ctx) => {
        const result = await place.begin(ctx, `${name} read`);
        // a run that is made anew has another: this one was read by an attempt before
        return result(stream.locked ? "r" : await whole());
      }));
    }
    if (nap > 0) await step.sleep(`${name} then`, nap);
  }

  function expected(error: Error): string {
    if (!MAY_FAIL.test(error.message)) place.wrong(error.message);
    return "x";
  }

  for (const [at, node] of nodes.entries()) await one(at, node).catch((error: Error) => told.push(expected(error)));
  for (const read of last) told.push(await read().catch(expected));
  return told;
}

function streamerOf(r: Chance, salt: number): Streamer {
  const large = r.once(6);
  const nodes = Array.from({ length: r.between(1, 3) }, (_, n): StreamNode => ({
    name: `${salt}.${n}`,
    chunks: Array.from({ length: r.int(4) }, () => large ? r.pick([200_000, PIECE_BYTES, 70_000]) : r.pick([1, 10, 1_000])),
    fails: r.pick([0, 0, 0, 1, 2, 9]),
    work: r.pick([0, 0, 1, 20]),
    read: r.pick(["whole", "part", "beside", "last", "step", "no"] as const),
    nap: r.pick([0, 0, 5, 300]),
  }));
  return { salt, nodes };
}

/** How a run ended that was waited for: its own error, or the end of patience, is none of the engine's. */
function ended(error: unknown): void {
  if (TenureError.is(error)) throw error;
}

/** Makes those of a seed. */
export function createStreamers({ world, plan, ledger, slots }: StreamersParts): Streamers {
  const r = world.stream(32);
  const active = r.once(plan.large ? 4 : 12);
  const streamBytes = r.pick([20, 1e6, 1e9]);
  const { ask, pending } = createAsking({ who: "streamers", world, chance: r, slots, refused: REFUSED });
  /** Cells of pieces that are there, and marks. */
  const pieces = new Set<string>();
  const marks = new Set<string>();
  let ending = false;

  function flows({ tenure }: Server): ReturnType<ReturnType<Server["tenure"]["tenant"]>["workflow"]> {
    return tenure.tenant(TENANT).workflow("Flow");
  }

  const all = () => [...ledger.instances.values()].filter(({ key }) => isStreamer(key));

  function meddle(): void {
    const there = all();
    if (ending || there.length === 0) return;
    const { key, life } = r.pick(there);
    const verb = r.pick(["terminate", "restart", "rewind", "rewind", "delete", "pause", "resume"] as const);
    const steps = life.ops.filter(({ kind, parent }) => kind === "do" && parent < 0);
    const place = steps.length === 0 ? undefined : r.pick(steps) as Place;
    if (verb === "rewind" && place === undefined) return;
    if (verb === "delete") ledger.asked(key, "delete");
    if (verb === "rewind" && place !== undefined) ledger.asked(key, place);
    const acts: Record<typeof verb, (one: WorkflowInstance) => Promise<void>> = {
      terminate: (one) => one.terminate(),
      restart: (one) => one.restart(),
      rewind: (one) => one.restart({ from: { name: place?.name ?? "", count: place?.count ?? 1 } }),
      delete: (one) => one.delete(),
      pause: (one) => one.pause(),
      resume: (one) => one.resume(),
    };
    ask(`${verb} ${key.id}`, async (server) => acts[verb](await flows(server).get(key.id)));
  }

  /** The store gives a damaged journal of one from now on; somebody waits for its result, and asks something of it. */
  function damage(): void {
    const there = all().filter(({ life }) => life.ended === null);
    if (ending || there.length === 0) return;
    const { key } = r.pick(there);
    plan.damaged.set(nameOf(key), true);
    world.fault(`the journal of ${nameOf(key)} is damaged`);
    const waits = async (one: WorkflowInstance): Promise<unknown> => {
      const patience = new AbortController();
      world.at(2_000, () => patience.abort());
      return await one.result({ signal: patience.signal }).catch(ended);
    };
    for (const act of [waits, (one: WorkflowInstance) => one.sendEvent({ type: "any" })]) {
      world.at(r.int(500), () => ask(`something of ${key.id}, which is damaged`, async (server) => await act(await flows(server).get(key.id))));
    }
  }

  /** Some are mended, the others deleted. */
  function mend(): void {
    for (const { key } of all()) {
      if (plan.damaged.get(nameOf(key)) !== true) continue;
      if (r.once(2)) plan.damaged.set(nameOf(key), false);
      else ask(`delete ${key.id}, which is damaged`, async (server) => await (await flows(server).get(key.id)).delete());
    }
  }

  /** What was parked or paused goes on, in a version that there still is. */
  function goOn(): void {
    for (const { key, head } of all()) {
      if (pending() > 0 || head.status !== "paused") continue;
      ask(`resume ${key.id}`, async (server) => {
        await server.tenure.tenant(TENANT).upgrade(`host:${server.version}`);
        await (await flows(server).get(key.id)).resume();
      });
    }
    if (busy()) world.at(1_000, goOn);
  }

  function busy(): boolean {
    return active && (!ending || pending() > 0 || marks.size > 0 || all().some(({ life }) => life.ended === null));
  }

  /** The streams that a life refers to, by its commands. */
  function streamsOf(life: LifeModel): ReadonlyMap<number, StoredStream> {
    const found = new Map<number, StoredStream>();
    for (const { head } of life.records) if ((head.k === "settled" || head.k === "outcome") && head.stream !== undefined) found.set(head.op, head.stream);
    return found;
  }

  /** The cells that what is there refers to. */
  function kept(): Map<string, string> {
    const cells = new Map<string, string>();
    for (const { key, life } of all()) {
      for (const [op, { life: number, attempt, pieces }] of streamsOf(life)) {
        for (let n = 0; n < pieces; n++) cells.set(pieceCell(key, seriesName(life.seed, { life: number, op, attempt }), n), `${nameOf(key)} op ${op}`);
      }
    }
    return cells;
  }

  function after({ appends, cells }: ShardBatch): void {
    let concerns = false;
    for (const { key, value } of cells) {
      if (!key.startsWith("streams/")) continue;
      concerns = true;
      const set = key.startsWith(MARKS) ? marks : key.startsWith("streams/piece/") ? pieces : undefined;
      if (value === null) set?.delete(key);
      else set?.add(key);
    }
    for (const append of appends) {
      const { key } = append;
      if (!isStreamer(key)) continue;
      for (const { record: { head } } of linesOf(append)) {
        if (head.k !== "settled" || head.stream === undefined) continue;
        concerns = true;
        checkStream(key, head.op, head.stream);
      }
    }
    if (!concerns) return;
    for (const [cell, whose] of kept()) if (!pieces.has(cell)) world.fail("I35", `${whose} has a stream, and a piece of it is not there`);
    if (pieces.size > kept().size && marks.size === 0) world.fail("I35", "pieces are nobody's, and nothing would find them");
  }

  function checkStream(key: InstanceKey, op: number, stream: StoredStream): void {
    const where = `${nameOf(key)} op ${op}`;
    const life = ledger.instances.get(nameOf(key))?.life;
    const node = streamerIn(life)?.nodes.find(({ name }) => name === life?.ops[op]?.name);
    if (life === undefined || node === undefined) return;
    const bytes = node.chunks.reduce((sum, n) => sum + n, 0);
    if (stream.bytes !== bytes || stream.pieces !== Math.ceil(bytes / PIECE_BYTES)) world.fail("I35", `${where} is said to have ${stream.bytes} bytes in ${stream.pieces} pieces, it gave ${bytes}`);
    if (stream.bytes > streamBytes) world.fail("I23", `${where} has a stream of ${stream.bytes} bytes`);
    if (stream.attempt <= node.fails) world.fail("I2", `${where} has the stream of attempt ${stream.attempt}, which failed`);
  }

  function streamerIn(life: LifeModel | undefined): Streamer | undefined {
    return life === undefined ? undefined : streamers.find(({ salt }) => life.params.includes(`"salt":${salt},`) || life.params.includes(`"salt":${salt}}`));
  }

  const streamers = Array.from({ length: active ? r.between(1, plan.large ? 2 : 1) : 0 }, (_, n) => streamerOf(r, n + 1));

  return {
    ledger: {
      ...ledger,
      committed(batches, answer, by) {
        ledger.committed(batches, answer, by);
        if (answer === "ok" && active) batches.forEach(after);
      },
    },
    streamBytes,
    start() {
      if (!active) return;
      for (const streamer of streamers) {
        // one that comes later would be looked after by nobody
        world.at(r.int(plan.span), () => ending ? undefined : ask(`create s${streamer.salt}`, (server) => flows(server).create({ id: `s${streamer.salt}`, params: { streamer } })));
      }
      for (let n = r.int(plan.large ? 6 : 3); n > 0; n--) world.at(r.int(plan.span), meddle);
      if (!plan.calm && r.once(2)) world.at(r.int(plan.span), damage);
    },
    end() {
      if (!active) return;
      ending = true;
      mend();
      goOn();
    },
    busy,
    describe() {
      const left = all().filter(({ life }) => life.ended === null).map(({ key, head }) => `${key.id} ${head.status}`);
      return `${pending()} calls of streamers, ${left.join(", ")}, ${marks.size} marks of streams`;
    },
  };
}
