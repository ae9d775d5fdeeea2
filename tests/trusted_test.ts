import process from "node:process";
import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { trusted } from "../adapters/sandbox/trusted.ts";
import { hostSandbox } from "../adapters/sandbox/trusted/host.ts";
import { CodeError } from "../core/errors.ts";
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "../core/entrypoint.ts";
import { frame } from "../core/frame.ts";
import { DEFAULT_LIMITS } from "../core/limits.ts";
import type { Guest, SandboxAdapter } from "../core/ports/guest.ts";
import { DEFAULT_STEP_CONFIG } from "../core/step_config.ts";
import { decode, encode } from "../core/values.ts";
import { guestCases } from "../testing/guest_cases.ts";

describe("trusted() keeps the Guest port", () => {
  for (const { name, run } of guestCases(() => trusted(), { realm: false })) it(name, run);
});

function init(version = "v1", ready: () => void = () => {}) {
  const prepared = { text: "", classes: [] };
  return { tenant: "acme", version, prepared, limits: DEFAULT_LIMITS, ready };
}

function open(adapter: SandboxAdapter, given: Parameters<SandboxAdapter["open"]>[0] = init()): Guest {
  return adapter.open(given, new AbortController().signal) as Guest;
}

function start(workflow = "Flow", params: unknown = {}): string {
  return frame({
    d: "start",
    now: 1,
    seed: "s",
    class: workflow,
    event: { timestamp: 1, instanceId: "i", workflowName: "w" },
    bindings: [],
  }, encode({ params, env: {} }));
}

function body(id: number, attempt = 1): string {
  return frame({ d: "body", now: 1, id, attempt, name: "s", count: 1, config: DEFAULT_STEP_CONFIG, seed: "b" });
}

function settle(id: number, value?: unknown): string {
  return frame({ d: "settle", now: 1, id, ok: true }, value === undefined ? undefined : encode(value));
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Hears `ready`, also before anybody waits for it. */
class Bell {
  count = 0;
  #heard = 0;
  #wake: () => void = () => {};
  readonly ring = (): void => {
    this.count++;
    this.#wake();
  };
  async wait(): Promise<void> {
    while (this.count === this.#heard) await new Promise<void>((resolve) => this.#wake = resolve);
    this.#heard = this.count;
  }
}

/** A sandbox for one `run`. */
function sandboxOf(run: (event: WorkflowEvent<unknown>, step: WorkflowStep) => Promise<unknown>): SandboxAdapter {
  class Flow extends WorkflowEntrypoint {
    override run(event: WorkflowEvent<unknown>, step: WorkflowStep): Promise<unknown> {
      return run(event, step);
    }
  }
  return hostSandbox((_version, name) => name === "Flow" ? Flow : undefined);
}

describe("hostSandbox()", () => {
  it("finds classes by version and name", async () => {
    const asked: string[] = [];
    class One extends WorkflowEntrypoint {
      override run(): Promise<number> {
        return Promise.resolve(1);
      }
    }
    const adapter = hostSandbox((version, name) => {
      asked.push(`${version}/${name}`);
      return version === "v2" ? One : undefined;
    });
    const ended = (await open(adapter, init("v2")).turn(start("One"), 0)).out;
    assertEquals(ended, ['{"c":"end","ok":true}\nj1']);
    const refused = (await open(adapter, init("v1")).turn(start("One"), 0)).out;
    assertStringIncludes(refused[0]!, '"ok":false');
    assertEquals(asked, ["v2/One", "v1/One"]);
  });

  it("is mediated only where the platform says so", async () => {
    assertEquals(hostSandbox(() => undefined).caps.mediated, false);
    assertEquals(hostSandbox(() => undefined, { runAhead: true }).caps.mediated, true);
    assertEquals(trusted({ runAhead: true }).caps.mediated, true);
    await assertRejects(() => hostSandbox(() => undefined).prepare("t", { mainModule: "", modules: {} }, DEFAULT_LIMITS), TypeError);
  });

  it("says io while a body waits for something of its own, and calls ready when it has come", async () => {
    const bell = new Bell();
    const adapter = sandboxOf((_event, step) => step.do("s", async () => {
      await later(50);
      return 5;
    }));
    const guest = open(adapter, init("v1", bell.ring));
    assertEquals((await guest.turn(start(), 0)).state, "rest");
    const waiting = await guest.turn(body(1), null);
    assertEquals([waiting.state, waiting.out, bell.count], ["io", [], 0]);
    await bell.wait();
    const done = await guest.turn("", null);
    assertEquals([done.state, done.out], ["rest", ['{"c":"done","id":1,"attempt":1,"ok":true}\nj5']]);
    assertEquals((await guest.turn(settle(1, 5), 0)).out, ['{"c":"end","ok":true}\nj5']);
    assertEquals(bell.count, 1);
  });

  it("says io while the run itself waits for something of its own", async () => {
    const bell = new Bell();
    const guest = open(sandboxOf(async (_event, step) => {
      await later(50);
      await step.sleep("s", 1);
    }), init("v1", bell.ring));
    assertEquals((await guest.turn(start(), 0)).state, "io");
    await bell.wait();
    const turn = await guest.turn("", 0);
    assertEquals([turn.state, turn.out.length], ["rest", 1]);
  });

  it("does not call ready for what a turn collects", async () => {
    let called = 0;
    const guest = open(sandboxOf((_event, step) => step.do("s", async () => {
      await later(1);
    })), init("v1", () => called++));
    await guest.turn(start(), 0);
    await guest.turn(body(1), null);
    let out: readonly string[] = [];
    // The turns follow one another without a gap: whenever the body ends, one of them is under way.
    while (out.length === 0) out = (await guest.turn("", null)).out;
    await later(5);
    assertEquals(called, 0);
  });

  it("knows whose a command is, also after real I/O and with bodies side by side", async () => {
    const bell = new Bell();
    const guest = open(sandboxOf(async (_event, step) => {
      const body = (ms: number) => async () => {
        await later(ms);
        await step.sleep(`in ${ms}`, ms);
      };
      await Promise.all([step.do("a", body(8)), step.do("b", body(2)), step.sleep("c", 1).then(() => step.sleep("d", 1))]);
    }), init("v1", bell.ring));
    await guest.turn(start(), 0);
    const owners: Record<string, number> = {};
    const turn = async (text: string) => {
      for (const sent of (await guest.turn(text, null)).out) {
        const command = JSON.parse(sent) as { name: string; in: number };
        owners[command.name] = command.in;
      }
    };
    for (const text of [body(1), body(2), settle(3)]) await turn(text);
    while (Object.keys(owners).length < 3) {
      await bell.wait();
      await turn("");
    }
    assertEquals(owners, { "d": 0, "in 2": 2, "in 8": 1 });
  });

  it("aborts every attempt when it is dropped, and hears nothing more", async () => {
    const seen: string[] = [];
    let called = 0;
    const guest = open(sandboxOf((_event, step) => step.do("s", async (ctx) => {
      ctx.signal.addEventListener("abort", () => seen.push((ctx.signal.reason as Error).name));
      await later(5);
      await step.sleep("more", 1).catch((error: Error) => seen.push(error.name));
      return 1;
    })), init("v1", () => called++));
    await guest.turn(start(), 0);
    await guest.turn(body(1), null);
    guest.drop();
    guest.drop();
    assertEquals(seen, ["AbortError"]);
    await later(10);
    assertEquals([seen, called], [["AbortError", "AbortError"], 0]);
    assertEquals((await guest.turn(settle(1), 0)).out, []);
  });

  it("keeps a step that nobody awaits from ending the process", async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", listener);
    try {
      const guest = open(sandboxOf((_event, step) => {
        void step.do("left", () => Promise.reject(new Error("left")));
        void step.do("", { timeout: 0 }, () => Promise.resolve());
        void step.do("bad", 5 as never);
        return Promise.resolve();
      }));
      await guest.turn(start(), 0);
      await guest.turn(frame({ d: "settle", now: 1, id: 1, ok: false }, encode(new Error("left"))), 0);
      await later(5);
    } finally {
      process.off("unhandledRejection", listener);
    }
    assertEquals(unhandled, []);
  });

  it("hands out the decoded copy, never the original", async () => {
    const original = { when: new Date(5) };
    const guest = open(sandboxOf(async (event) => {
      assert(event.payload !== original);
      return await Promise.resolve(event.payload);
    }));
    const out = (await guest.turn(start("Flow", original), 0)).out[0]!;
    assertEquals(decode(out.slice(out.indexOf("\n") + 1)), original);
  });

  it("comes to rest by the defer that it is given", async () => {
    let deferred = 0;
    const adapter = hostSandbox(() => undefined, { defer: (run) => (deferred++, void setTimeout(run, 0)) });
    await open(adapter).turn(start(), 0);
    assertEquals(deferred, 1);
  });
});

describe("trusted()", () => {
  it("evaluates the modules of a version once, and says where they fail", async () => {
    const adapter = trusted();
    const code = { mainModule: "index.ts", modules: {
      "index.ts": `import { count } from "./lib.ts"; import json from "./data.json"; import * as all from "./lib.ts";
        export * from "./lib.ts";
        export class Flow { async run() { return [count(), json.a, typeof all.count, typeof (await import("./lib.ts")).count]; } }`,
      "lib.ts": `let n = 0; export const count = (): number => ++n; import { Flow } from "./index.ts"; export const seen = (): boolean => Flow !== undefined;`,
      "data.json": `{"a":7}`,
    } };
    const prepared = await adapter.prepare("acme", code, DEFAULT_LIMITS);
    assertEquals(prepared.classes, ["Flow"]);
    for (const expected of ["j[1,7,\"function\",\"function\"]", "j[2,7,\"function\",\"function\"]"]) {
      const guest = open(adapter, { ...init("v9"), prepared });
      assertEquals((await guest.turn(start(), 0)).out, [`{"c":"end","ok":true}\n${expected}`]);
    }
    const error = await assertRejects(() => adapter.prepare("acme", { mainModule: "a.ts", modules: { "a.ts": "export const x = await 1;" } }, DEFAULT_LIMITS), CodeError);
    assertStringIncludes(error.message, "a.ts");
    await adapter.close();
  });

  it("gives instances side by side their own env and log", async () => {
    const adapter = trusted();
    const source = `import { env } from "cloudflare:workers";
      export class Flow { async run(event, step) { await step.sleep("s", 1); console.log(env.WHO); return env.WHO; } }`;
    const prepared = await adapter.prepare("acme", { mainModule: "a.js", modules: { "a.js": source } }, DEFAULT_LIMITS);
    const guests = ["a", "b"].map((who) => ({ who, guest: open(adapter, { ...init(), prepared }) }));
    for (const { who, guest } of guests) {
      const text = start();
      await guest.turn(text.slice(0, text.indexOf("\n") + 1) + encode({ params: {}, env: { WHO: who } }), 0);
    }
    for (const { who, guest } of guests) {
      assertEquals((await guest.turn(settle(1), 0)).out, [`{"c":"log","in":0,"level":"info"}\n${who}`, `{"c":"end","ok":true}\nj"${who}"`]);
    }
  });
});
