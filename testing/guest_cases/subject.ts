/**
 * What a case of the Guest port works with: a guest that it drives by hand.
 *
 * @module
 */
import { frame, parseFrame } from "../../core/frame.ts";
import { DEFAULT_LIMITS } from "../../core/limits.ts";
import type { Code, Command, Delivery, Guest, Prepared, SandboxAdapter, Turn } from "../../core/ports/guest.ts";
import { DEFAULT_STEP_CONFIG } from "../../core/step_config.ts";
import { decode, encode, encodeThrown } from "../../core/values.ts";
import { check, equal } from "../store_cases/check.ts";
import type { Case } from "../store_cases/subject.ts";

/** Makes the adapter to try. */
export type OpenSandbox = () => SandboxAdapter | Promise<SandboxAdapter>;

/** One frame that a guest sent. */
export interface Sent {
  readonly command: Command;
  /** Decoded; a log's is its text. */
  readonly value: unknown;
  /** As sent. */
  readonly text: string | undefined;
}

/** The command of one kind. */
export type CommandOf<C extends Command["c"]> = Command & { readonly c: C };

/** How a run is started. */
export interface StartOptions {
  readonly class?: string;
  readonly params?: unknown;
  readonly env?: Record<string, unknown>;
  readonly bindings?: readonly string[];
  readonly seed?: string;
  readonly now?: number;
}

/** Head of every workflow of the cases. */
export const HEAD = `import { WorkflowEntrypoint } from "cloudflare:workers";\n`;

/** A module whose workflow `Flow` has a `run` of this body. */
export function flow(body: string, before = ""): string {
  return `${HEAD}${before}\nexport class Flow extends WorkflowEntrypoint {\n  async run(event, step) {\n${body}\n  }\n}\n`;
}

/** What the body of a case gets. */
export class Bench {
  readonly adapter: SandboxAdapter;
  readonly #guests: Guest[] = [];

  /** Makes one. */
  constructor(adapter: SandboxAdapter) {
    this.adapter = adapter;
  }

  /** Makes code ready; a text is the main module. */
  prepare(code: string | Code): Promise<Prepared> {
    const given = typeof code === "string" ? { mainModule: "index.js", modules: { "index.js": code } } : code;
    return this.adapter.prepare("acme", given, DEFAULT_LIMITS);
  }

  /** Opens a guest and delivers its start. */
  async start(code: string | Code | Prepared, options: StartOptions = {}): Promise<Run> {
    const prepared = typeof code === "object" && "classes" in code ? code : await this.prepare(code);
    let wake: () => void = () => {};
    const guest = await this.adapter.open({
      tenant: "acme",
      version: `v${versionOf(prepared.text)}`,
      prepared,
      limits: DEFAULT_LIMITS,
      ready: () => wake(),
    }, new AbortController().signal);
    this.#guests.push(guest);
    const run = new Run(guest, (woken) => wake = woken);
    await run.start(options);
    return run;
  }

  /** Drops every guest. */
  async close(): Promise<void> {
    for (const guest of this.#guests) guest.drop();
    await this.adapter.close();
  }
}

/** A guest under way. */
export class Run {
  readonly guest: Guest;
  /** The logical time of the next delivery. */
  now = 1_000;
  /** The last turn. */
  last: Turn | undefined;
  readonly #onReady: (woken: () => void) => void;

  /** Made by {@linkcode Bench.start}. */
  constructor(guest: Guest, onReady: (woken: () => void) => void) {
    this.guest = guest;
    this.#onReady = onReady;
  }

  /** What the start gave. */
  started: readonly Sent[] = [];

  /** Delivers the start. */
  async start(options: StartOptions): Promise<readonly Sent[]> {
    if (options.now !== undefined) this.now = options.now;
    const header: Delivery = {
      d: "start",
      now: this.now,
      seed: options.seed ?? "a seed",
      class: options.class ?? "Flow",
      event: { timestamp: 500, instanceId: "order-1", workflowName: "flows" },
      bindings: options.bindings ?? [],
    };
    this.started = await this.deliver(header, encode({ params: options.params ?? {}, env: options.env ?? {} }));
    return this.started;
  }

  /** Settles a command with a value. */
  settle(id: number, value?: unknown): Promise<readonly Sent[]> {
    return this.deliver({ d: "settle", now: this.now, id, ok: true }, value === undefined ? undefined : encode(value));
  }

  /** Settles a command with an error. */
  fail(id: number, error: unknown): Promise<readonly Sent[]> {
    return this.deliver({ d: "settle", now: this.now, id, ok: false }, encodeThrown(error));
  }

  /** Runs a body. */
  body(id: number, options: { attempt?: number; name?: string; count?: number; seed?: string } = {}): Promise<readonly Sent[]> {
    const { attempt = 1, name = "step", count = 1, seed = `seed of ${id}` } = options;
    return this.deliver({ d: "body", now: this.now, id, attempt, name, count, config: DEFAULT_STEP_CONFIG, seed }, undefined, null);
  }

  /** Aborts an attempt. */
  abort(id: number, attempt = 1): Promise<readonly Sent[]> {
    return this.deliver({ d: "abort", id, attempt }, undefined, null);
  }

  /** Runs a body and settles its step with what it gave. */
  async step(id: number): Promise<readonly Sent[]> {
    const done = only(await this.body(id), "done");
    equal(done.command.id, id, "the id of done");
    const { ok } = done.command;
    return await this.deliver({ d: "settle", now: this.now, id, ok }, done.text);
  }

  /** Delivers anything. */
  deliver(header: Delivery, value?: string, time: number | null = this.now): Promise<readonly Sent[]> {
    return this.raw(frame(header, value), time);
  }

  /** Delivers any text. */
  async raw(text: string, time: number | null = this.now): Promise<readonly Sent[]> {
    const turn = await this.guest.turn(text, time);
    this.last = turn;
    check(turn.state !== "dead", `the guest died: ${turn.death?.message}`);
    return turn.out.map(parse);
  }

  /** Waits until the guest has more to say, and collects it. */
  async more(): Promise<readonly Sent[]> {
    await new Promise<void>((resolve) => this.#onReady(resolve));
    return await this.raw("");
  }
}

/** The only frame, which has to be of this kind. */
export function only<C extends Command["c"]>(sent: readonly Sent[], kind: C): Sent & { readonly command: CommandOf<C> } {
  equal(sent.map(({ command }) => command.c), [kind], "what the guest sent");
  return sent[0] as Sent & { readonly command: CommandOf<C> };
}

/** The output of a run that ended well with the last turn. */
export function output(sent: readonly Sent[]): unknown {
  const end = only(sent, "end");
  check(end.command.ok, `run() threw ${end.command.error?.name}: ${end.command.error?.message}`);
  return end.value;
}

/** Makes a case of a body. */
export function guestCase(open: OpenSandbox, name: string, body: (bench: Bench) => Promise<void>): Case {
  async function run(): Promise<void> {
    const bench = new Bench(await open());
    try {
      await body(bench);
    } finally {
      await bench.close();
    }
  }
  return { name, run };
}

function parse(text: string): Sent {
  const taken = parseFrame(text);
  check(taken !== undefined, `not a frame: ${text.slice(0, 100)}`);
  const command = taken.header as Command;
  const value = taken.value === undefined || command.c === "log" ? taken.value : decode(taken.value);
  return { command, value, text: taken.value };
}

/** What an adapter may cache by has to differ where the code does. */
function versionOf(text: string): string {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return `${hash >>> 0}-${text.length}`;
}
