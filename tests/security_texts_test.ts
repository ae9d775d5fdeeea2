/** What docs/security.md says of texts: what an error shows, and what reading one costs. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { memory } from "../adapters/storage/memory.ts";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { parseDuration } from "../core/duration.ts";
import { quote } from "../core/errors.ts";
import { parseFrame } from "../core/frame.ts";
import { checkInstanceId, checkTenantId, checkWorkflowName } from "../core/ids.ts";
import { eachRecord } from "../core/instance/records.ts";
import { readCursor } from "../core/pages.ts";
import type { StorageAdapter, Store } from "../core/ports/store.ts";
import { checkStepConfig, checkStepName } from "../core/step_config.ts";
import { cutToBytes } from "../core/utf8.ts";
import { createTenure, type Tenant } from "../mod.ts";
import { source } from "./semantics/_world.ts";

/** What an adapter may say when it fails. */
const SECRET = `near "SELECT": /var/lib/platform/secret.db at connect (file:///srv/app/node_modules/driver.js:7:1)`;

/** A store that fails as a driver does, in the methods named. */
function failing(methods: Set<string>): StorageAdapter {
  const inner = memory();
  const watched = <T extends object>(of: T): T =>
    new Proxy(of, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name === "blobs") return watched(value as object);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => methods.has(String(name)) ? Promise.reject(new Error(SECRET)) : Reflect.apply(value, target, args);
      },
    });
  return { name: "failing", open: async () => watched<Store>(await inner.open()) };
}

describe("an error of the storage (S17)", () => {
  it("shows a caller no statement, path or stack of it: that is in its cause, for the platform", async () => {
    const methods = new Set<string>();
    const tenure = await createTenure({ storage: failing(methods), sandbox: quickjs() });
    const acme = tenure.tenant("acme");
    await acme.deploy(source(`return 1;`));
    const order = await acme.workflow("Flow").create({ id: "order-1" });
    await order.result();
    for (const method of ["find", "load", "cell", "cells", "put"]) methods.add(method);
    const asked: { readonly [name: string]: () => Promise<unknown> } = {
      status: () => order.status(),
      history: () => order.history(),
      result: () => order.result(),
      get: () => acme.workflow("Flow").get("order-1"),
      list: () => acme.workflow("Flow").list(),
      versions: () => acme.versions(),
      upgrade: () => acme.upgrade("0".repeat(64)),
      tenants: () => tenure.tenants(),
      create: () => acme.workflow("Flow").create({ id: "order-2" }),
      deploy: () => acme.deploy(source(`return 2;`)),
    };
    try {
      for (const [name, ask] of Object.entries(asked)) await shows(name, ask);
    } finally {
      methods.clear();
      await tenure.close();
    }
    async function shows(name: string, ask: () => Promise<unknown>): Promise<void> {
      const error = await assertRejects(ask, Error) as Error & { code?: string };
      assertEquals([name, error.code], [name, "storage_unavailable"]);
      assert(!/SELECT|\/var|secret|driver|node_modules/.test(error.message), `${name}: ${error.message}`);
      assertEquals([name, (error.cause as Error).message], [name, SECRET]);
    }
  });

  it("shows a tenant's code none of it, when it calls the API through a binding", async () => {
    const methods = new Set<string>();
    const tenure: { of?: Tenant } = {};
    const opened = await createTenure({
      storage: failing(methods),
      sandbox: quickjs(),
      env: () => ({ FLOWS: { get: (id: string) => tenure.of?.workflow("Flow").get(id), fail: () => void methods.add("find"), heal: () => methods.clear() } }),
    });
    tenure.of = opened.tenant("acme");
    await tenure.of.deploy(source(`
      await this.env.FLOWS.fail();
      const caught = await step.do("look", async () => {
        try { await this.env.FLOWS.get("order-1"); } catch (error) { return JSON.stringify([error.name, error.message, error.stack, error.cause, Object.keys(error)]); }
      });
      await this.env.FLOWS.heal();
      return caught;
    `));
    const order = await tenure.of.workflow("Flow").create();
    const caught = await order.result() as string;
    assert(caught.includes("the storage failed"), caught);
    assert(!/SELECT|\/var|secret|driver|node_modules|core\//.test(caught), caught);
    await opened.close();
  });
});

describe("our own parsers (S18)", () => {
  const long = (unit: string): string => unit.repeat(Math.ceil(100_000 / unit.length));
  const units = ["a", "1", "0", " ", "-", "_", "\0", "é", "\ud800", "1 ", "1.", "ab", "[", '{"a":', '"', "\\", "\n", "\t", "/", "../"];
  const parsers: { readonly [name: string]: (text: string) => unknown } = {
    "durations": (text) => parseDuration(text),
    "durations with a unit": (text) => parseDuration(`1 ${text}`),
    "tenant ids": (text) => checkTenantId(text),
    "instance ids": (text) => checkInstanceId(text),
    "workflow names": (text) => checkWorkflowName(text),
    "step names": (text) => checkStepName(text),
    "step configs": (text) => checkStepConfig({ retries: { limit: 1, delay: text }, timeout: text }),
    "cursors": (text) => readCursor(text, ["number", "string"]),
    "frames": (text) => parseFrame(text),
    "journals": (text) => eachRecord([text], () => {}),
    "texts in messages": (text) => quote(text),
    "texts to be cut": (text) => cutToBytes(text, 50_000),
  };
  for (const [name, parse] of Object.entries(parsers)) {
    it(`read ${name} of 100,000 characters in no time, whatever stands in them`, () => {
      for (const unit of units) {
        const text = long(unit);
        const started = performance.now();
        try {
          parse(text);
        } catch (error) {
          assert(error instanceof Error);
        }
        // what looks at each character for each character takes 10^10 steps
        assert(performance.now() - started < 1_000, JSON.stringify(unit));
      }
    });
  }
});
