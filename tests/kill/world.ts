/**
 * What a mode has at hand: processes on one database, clients that work all the while, the log of it all.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { buildChild } from "./build.ts";
import { drive, type Job, type Line, makeJob, type Reply } from "./client.ts";
import type { RuntimeName } from "./command.ts";
import { type Entry, type Event, openLog } from "./log.ts";
import type { PlanOptions } from "./plan.ts";
import { between, type Random, seeded } from "./random.ts";
import { Subject, within } from "./subject.ts";
import type { Ask, Effect, Server } from "./wire.ts";

/** Of a run. */
export interface WorldOptions {
  readonly seed: number;
  readonly runtime: RuntimeName;
  /** How long all may take that is not done at the end, ms. Also the bound of a start. */
  readonly patience: number;
  /** Instances at a time. */
  readonly atOnce?: number;
}

/** How a life begins, besides the usual. */
export interface Start {
  readonly through?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The machine that it is on, where there are several. */
  readonly machine?: string;
}

/** One run's. */
export class World {
  readonly options: WorldOptions;
  readonly random: Random;
  /** All that is of this run. */
  readonly folder: string = mkdtempSync(join(tmpdir(), "tenure-kill-"));
  readonly jobs: Job[] = [];
  /** What may never happen, seen by others than the judge of the log. */
  readonly violations: string[] = [];
  /** The database; a mode may have it elsewhere. */
  database: string = join(this.folder, "tenure.db");
  /** A server that is used in place of the database. */
  server: Omit<Server, "machine"> | undefined;
  /** Whose instances they are, and how many there are at a time. */
  tenants: readonly string[] = ["acme", "globex", "initech"];
  atOnce: number;
  /** Plans are made so. */
  plans: PlanOptions = {};
  /** Instances that a mode has damaged: what becomes of them is the mode's to judge. */
  readonly damaged: Set<string> = new Set();
  /** Told when effects are in the log, before a body hears of it. */
  logged: (subject: Subject, effects: readonly Effect[]) => void = () => {};
  readonly #log: ReturnType<typeof openLog> = openLog(join(this.folder, "effects.jsonl"));
  readonly #subjects = new Set<Subject>();
  readonly #told = new Map<string, number>();
  readonly #undo: (() => void | Promise<void>)[] = [];
  #program: string = "";
  #lives = 0;
  #over = false;

  /** Makes one; {@linkcode World.build} comes next. */
  constructor(options: WorldOptions) {
    this.options = options;
    this.random = seeded(options.seed);
    this.atOnce = options.atOnce ?? 12;
  }

  /** The log is not waited for: only we write it, and we are not killed. So it does not slow down what many do at a time. */
  unsynced(): void {
    this.#log.syncs = false;
  }

  /** Builds the program. */
  async build(): Promise<void> {
    this.#program = await buildChild(join(this.folder, "built"));
  }

  /** Starts a process. */
  spawn({ machine = "", ...start }: Start = {}): Subject {
    const life = ++this.#lives;
    const server = this.server && { server: { ...this.server, machine } };
    const subject: Subject = new Subject({
      life,
      files: { database: this.database, phase: join(this.folder, `phase-${life}`), ...server },
      launch: { program: this.#program, runtime: this.options.runtime, ...start },
      write: (...events) => this.#log.write(life, events),
      violation: (message) => this.violation(message),
      logged: (effects) => this.logged(subject, effects),
    });
    this.#subjects.add(subject);
    return subject;
  }

  /** Starts a process and waits until it takes requests. */
  async serve(start: Start = {}): Promise<Subject> {
    const subject = this.spawn(start);
    const opening = await this.bounded(subject.opening);
    if (opening?.ok !== true) this.violation(`process ${subject.life} did not start: ${opening?.message ?? "it takes too long"}`);
    return subject;
  }

  /** Writes down what a mode did. */
  note(note: string): void {
    this.#log.write(this.#lives, [{ what: "note", note }]);
  }

  /** Something that may never happen, seen by somebody else than the judge of the log. */
  violation(message: string): void {
    this.violations.push(message);
  }

  /** An instance is damaged; its client is not to mind. */
  damage({ who }: Job, how: string): void {
    this.damaged.add(who);
    this.note(`${who} is damaged: ${how}`);
  }

  /** An integer of this run's randomness. */
  between(least: number, most: number): number {
    return between(this.random, least, most);
  }

  /** What comes of it, `undefined` when patience is at its end. */
  bounded<T>(promise: Promise<T>): Promise<T | undefined> {
    return within(this.options.patience, promise);
  }

  /** Does something when all is over, last first. */
  atEnd(undo: () => void | Promise<void>): void {
    this.#undo.push(undo);
  }

  /** Asks whoever takes requests, any of them; waits for one. */
  async ask(ask: Ask): Promise<Reply | undefined> {
    for (;;) {
      const serving = [...this.#subjects].filter((subject) => subject.serves());
      const subject = serving[Math.floor(this.random() * serving.length)];
      if (subject !== undefined) return await this.askOf(subject, ask);
      if (this.#over) return undefined;
      await pause(5);
    }
  }

  /** Asks one process. */
  async askOf(subject: Subject, ask: Ask): Promise<Reply | undefined> {
    const answer = await subject.ask(ask);
    return answer === undefined ? undefined : { ...answer, life: subject.life };
  }

  /** Clients that make new instances as long as `more` says so, each when the one before has ended; resolves when all have. */
  async clients(more: () => boolean): Promise<void> {
    for (const tenant of this.tenants) {
      let reply: Reply | undefined;
      while (reply?.ok !== true && !this.#over) {
        reply = await this.ask({ op: "deploy", tenant });
        if (reply?.ok === false && reply.code !== "outcome_unknown") {
          return this.violation(`${tenant} could not deploy: ${reply.message}`);
        }
      }
    }
    await Promise.all(Array.from({ length: this.atOnce }, async () => {
      do await this.client();
      while (more() && !this.#over);
    }));
  }

  /** A client of one new instance; resolves when that has ended. `created`: it is acknowledged. */
  async client(created: () => void = () => {}): Promise<void> {
    const random = seeded(this.options.seed * 1_000_003 + this.jobs.length);
    const job = makeJob(this.jobs.length, this.tenants, random, this.plans);
    this.jobs.push(job);
    await drive(job, this.#line(job.who, created), random);
  }

  #line(who: string, created: () => void): Line {
    const write = (life: number, event: Event): void => this.#log.write(life, [event]);
    return {
      ask: (ask) => this.ask(ask),
      over: () => this.#over || this.damaged.has(who),
      created(who, life) {
        write(life, { what: "created", who });
        created();
      },
      sent: (who, event, life) => write(life, { what: "sent", who, ...event }),
      terminating: (who) => write(0, { what: "terminating", who }),
      told: (who) => this.#told.get(who) ?? 0,
      terminated: (who, life) => {
        this.#told.set(who, (this.#told.get(who) ?? 0) + 1);
        write(life, { what: "terminated", who });
      },
      shown: (who, shown, life) => write(life, { what: "shown", who, shown }),
      refused: (who, { code, message }, life) => write(life, { what: "refused", who, code, message }),
      violation: (message) => void (this.damaged.has(who) || this.violation(message)),
    };
  }

  /** After a close in good order and one more start nothing runs, and all is as it was. The log of it all. */
  async conclude(clients: Promise<void>): Promise<Entry[]> {
    // What is not done when patience ends is stuck.
    await this.bounded(clients);
    this.#over = true;
    for (const subject of [...this.#subjects]) {
      if (!subject.serves()) continue;
      const code = await subject.leave(this.options.patience, "request");
      if (code !== 0) this.violation(`process ${subject.life} closed with exit status ${code}`);
    }
    const last = await this.serve();
    for (const { tenant, id, who } of this.jobs) {
      if (this.damaged.has(who)) continue;
      const reply = await this.bounded(this.askOf(last, { op: "read", tenant, id }));
      if (reply?.ok && reply.shown !== undefined) this.#log.write(reply.life, [{ what: "shown", who, shown: reply.shown }]);
      else this.violation(`${who} is lost: ${reply === undefined ? "no answer" : JSON.stringify(reply)}`);
    }
    return this.#log.read();
  }

  /** Ends every process and removes all of it, unless it is to be kept. */
  async end(keep: boolean): Promise<void> {
    this.#over = true;
    for (const subject of this.#subjects) await subject.discard();
    for (const undo of this.#undo.reverse()) await undo();
    this.#log.close();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }
}
