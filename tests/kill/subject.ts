/**
 * One life of the process under test: what it says is in the log before anybody goes on.
 *
 * @module
 */
import { closeSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { latch, type Latch } from "./latch.ts";
import type { Event } from "./log.ts";
import { type Child, type Launch, startChild } from "./process.ts";
import type { Answer, Ask, Effect, Files, FromChild } from "./wire.ts";

/** What a life needs of its surroundings. */
export interface SubjectParts {
  readonly life: number;
  readonly files: Files;
  readonly launch: Launch;
  write(...events: Event[]): void;
  /** Something happened that may not. */
  violation(message: string): void;
  /** Effects are in the log, and no body knows yet. */
  logged(effects: Effect[]): void;
}

/** How a start ended. */
export type Opening = { readonly ok: true } | { readonly ok: false; readonly code: string; readonly message: string };

/** A process that was started, until it is gone. */
export class Subject {
  readonly life: number;
  /** It takes requests, could not be opened, or is gone. */
  readonly opening: Promise<Opening>;
  /** A body of it has done something. */
  readonly busy: Latch = latch();
  /** What its bodies have done, and what it has answered. */
  effects: number = 0;
  answers: number = 0;
  readonly #parts: SubjectParts;
  readonly #child: Child;
  readonly #phase: number;
  readonly #up: Latch = latch();
  readonly #asked = new Map<number, (answer: Answer | undefined) => void>();
  /** Bodies that run: by name, the instance. */
  readonly #bodies = new Map<string, string>();
  #open: (opening: Opening) => void = () => {};
  #asks = 0;
  /** It is stopped, or on its way out: nobody is to ask it. */
  #away = false;
  /** Its end is no surprise. */
  #expected = false;
  #ended = false;
  #code: number | null | undefined;

  /** Starts it. */
  constructor(parts: SubjectParts) {
    this.#parts = parts;
    this.life = parts.life;
    this.opening = new Promise((done) => this.#open = done);
    writeFileSync(parts.files.phase, "-");
    this.#phase = openSync(parts.files.phase, "r");
    parts.write({ what: "spawned" });
    this.#child = startChild(parts.files, parts.launch, (messages) => this.#heard(messages));
    void this.#child.gone.then((code) => this.#gone(code));
  }

  /** Its number. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether it takes requests. */
  serves(): boolean {
    return this.#up.isOpen() && this.#code === undefined && !this.#away;
  }

  /** Instances with a body that runs. */
  bodies(): string[] {
    return [...new Set(this.#bodies.values())];
  }

  /** Whether a commit has begun and not come back. The file says so even of a process that is gone. */
  committing(): boolean {
    const byte = new Uint8Array(1);
    readSync(this.#phase, byte, 0, 1, 0);
    return byte[0] === 0x43;
  }

  /** Resolves with the answer, or with `undefined` when the process died before it came. */
  ask(ask: Ask): Promise<Answer | undefined> {
    if (this.#code !== undefined) return Promise.resolve(undefined);
    const id = ++this.#asks;
    return new Promise((resolve) => {
      this.#asked.set(id, (answer) => {
        this.#asked.delete(id);
        resolve(answer);
      });
      this.#child.tell([{ tell: "ask", id, ask }]);
    });
  }

  /** SIGKILL; resolves when it is gone and in the log. */
  async kill(): Promise<void> {
    this.#away = true;
    this.#parts.write({ what: "shot", ms: this.#child.waited() });
    this.#child.signal("SIGKILL");
    await this.killed();
  }

  /** Waits until a signal from elsewhere has killed it; `false` when it has not within `patience` ms. */
  async killed(patience?: number): Promise<boolean> {
    this.#expected = true;
    const code = await within(patience, this.#child.gone);
    if (code === undefined) {
      this.#expected = false;
      return false;
    }
    if (code !== null) this.#parts.violation(`process ${this.life} ended by itself with exit status ${code}`);
    const phase = { starting: !this.#up.isOpen(), bodies: this.bodies(), commit: this.committing() };
    this.#parts.write({ what: "killed", ...phase });
    this.#end();
    return true;
  }

  /** Asks it to go, by SIGTERM or through its API, and waits; its exit code, `undefined` when it has not gone within `patience` ms. */
  async leave(patience: number, by: "signal" | "request"): Promise<number | null | undefined> {
    this.#away = this.#expected = true;
    this.#parts.write({ what: "asked to go", bodies: this.bodies() });
    if (by === "signal") this.#child.signal("SIGTERM");
    else void this.ask({ op: "close" });
    const code = await within(patience, this.#child.gone);
    if (code === undefined) return undefined;
    this.#parts.write({ what: "gone", code });
    this.#end();
    return code;
  }

  /** Waits until it has ended by itself, as it may. */
  async ends(): Promise<number | null> {
    this.#away = this.#expected = true;
    const code = await this.#child.gone;
    this.#parts.write({ what: "gone", code });
    this.#end();
    return code;
  }

  /** SIGSTOP. */
  stop(): void {
    this.#away = true;
    this.#parts.write({ what: "stopped", bodies: this.bodies() });
    this.#child.signal("SIGSTOP");
  }

  /** SIGCONT. */
  wake(): void {
    this.#parts.write({ what: "woken" });
    this.#child.signal("SIGCONT");
    this.#away = false;
  }

  /** Ends it for good, at the end of the test. */
  async discard(): Promise<void> {
    this.#away = this.#expected = true;
    this.#child.signal("SIGKILL");
    await this.#child.gone;
    this.#end();
  }

  #heard(messages: FromChild[]): void {
    const effects = messages.filter((message) => message.say === "effect");
    // One sync for all that came at once, and only then does any of these bodies go on.
    if (effects.length > 0) {
      const first: Event[] = this.effects === 0 ? [{ what: "waited", ms: this.#child.waited() }] : [];
      this.#parts.write(...first, ...effects.map(({ effect }) => effect));
    }
    for (const { effect: { what, who, step } } of effects) {
      if (what === "begin") this.#bodies.set(`${who} ${step}`, who);
      else this.#bodies.delete(`${who} ${step}`);
    }
    if (effects.length > 0) {
      this.effects += effects.length;
      this.busy.open();
      this.#parts.logged(effects.map(({ effect }) => effect));
    }
    this.#child.tell(effects.map(({ id }) => ({ tell: "written", id })));
    for (const message of messages) {
      if (message.say === "loaded") this.#parts.write({ what: "loaded" });
      else if (message.say === "up") {
        this.#parts.write({ what: "up" });
        this.#up.open();
        this.#open({ ok: true });
      } else if (message.say === "refused") this.#open({ ok: false, code: message.code, message: message.message });
      else if (message.say === "answer") {
        this.answers++;
        this.#asked.get(message.id)?.(message.answer);
      }
    }
  }

  #gone(code: number | null): void {
    this.#code = code;
    this.#open({ ok: false, code: "gone", message: "it is gone" });
    if (!this.#expected) this.#parts.violation(`process ${this.life} ended by itself with exit status ${code}`);
    for (const answered of [...this.#asked.values()]) answered(undefined);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#bodies.clear();
    closeSync(this.#phase);
    rmSync(this.#parts.files.phase, { force: true });
  }
}

/** What comes of it within `ms`, `undefined` after. */
export async function within<T>(ms: number | undefined, promise: Promise<T>): Promise<T | undefined> {
  if (ms === undefined) return await promise;
  const gone = new AbortController();
  const late = pause(ms, undefined, { signal: gone.signal }).catch(() => undefined);
  const first = await Promise.race([promise, late]);
  gone.abort();
  return first;
}
