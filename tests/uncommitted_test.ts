/** What no commit holds yet stays inside: a crash could make it another value. */
import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { memory } from "../adapters/storage/memory.ts";
import type { StorageAdapter } from "../core/ports/store.ts";
import { createTenure } from "../mod.ts";

/** A storage of which each commit that holds `text` waits for `gate`. */
function held(text: string, { begun, gate }: { begun: () => void; gate: Promise<void> }): StorageAdapter {
  const inner = memory();
  return {
    name: "held",
    async open() {
      const store = await inner.open();
      return {
        ...store,
        async commit(id, batches) {
          if (batches.some(({ appends }) => appends.some((append) => append.text.includes(text)))) {
            begun();
            await gate;
          }
          return store.commit(id, batches);
        },
      };
    },
  };
}

describe("a binding call of a body", () => {
  it("waits until all that the run was told is durable, and keeps its place among the calls", async () => {
    let open = (): void => {}, begin = (): void => {};
    const gate = new Promise<void>((resolve) => open = resolve);
    const begun = new Promise<void>((resolve) => begin = resolve);
    const seen: string[] = [];
    const tenure = await createTenure({
      storage: held("result of b", { begun: begin, gate }),
      sandbox: quickjs(),
      env: () => ({ WORLD: { wait: () => begun, hear: (text: string) => void seen.push(text) } }),
    });
    const tenant = tenure.tenant("acme");
    await tenant.deploy(`
      import { WorkflowEntrypoint } from "cloudflare:workers";
      export class Flow extends WorkflowEntrypoint {
        async run(event, step) {
          let b = "nothing";
          await Promise.all([
            step.do("a", async () => {
              await this.env.WORLD.wait();
              await Promise.all([this.env.WORLD.hear(b), this.env.WORLD.hear("and then")]);
            }),
            step.do("b", async () => "result of b").then((result) => b = result),
          ]);
        }
      }
    `);
    const instance = await tenant.workflow("Flow").create();
    await begun;
    await new Promise((resolve) => setTimeout(resolve, 50));
    assertEquals(seen, []);
    open();
    await instance.result();
    assertEquals(seen, ["result of b", "and then"]);
    await tenure.close();
  });
});

describe("a child that is deleted before its end is durable", () => {
  it("is told to its parent", async () => {
    let open = (): void => {}, begin = (): void => {};
    const gate = new Promise<void>((resolve) => open = resolve);
    const begun = new Promise<void>((resolve) => begin = resolve);
    let arrive = (): void => {};
    const there = new Promise<void>((resolve) => arrive = resolve);
    const tenure = await createTenure({
      storage: held("result of s", { begun: begin, gate }),
      sandbox: quickjs(),
      env: () => ({ WORLD: { arrive: () => arrive() } }),
    });
    const tenant = tenure.tenant("acme");
    await tenant.deploy(`
      import { WorkflowEntrypoint } from "cloudflare:workers";
      export class Kid extends WorkflowEntrypoint {
        async run(event, step) {
          await this.env.WORLD.arrive();
          await step.waitForEvent("end", { type: "end" });
        }
      }
      export class Parent extends WorkflowEntrypoint {
        async run(event, step) {
          return await step.invoke("kid", { workflow: "Kid", id: "kid" }).then(() => "ended", (error) => error.message);
        }
      }
      export class Slow extends WorkflowEntrypoint {
        async run(event, step) {
          await step.do("s", async () => "result of s");
        }
      }
    `);
    const parent = await tenant.workflow("Parent").create();
    await there;
    const kid = await tenant.workflow("Kid").get("kid");
    await tenant.workflow("Slow").create();
    await begun;
    // no commit returns meanwhile: both are in the next one
    const rest = async (): Promise<void> => {
      for (let n = 0; n < 20; n++) await new Promise<void>((go) => void setTimeout(go, 0));
    };
    const sent = kid.sendEvent({ type: "end" });
    await rest();
    const asked = [sent, kid.delete()];
    await rest();
    open();
    await Promise.all(asked);
    assertEquals(await parent.result(), `The child "kid" was deleted`);
    await tenure.close();
  });
});
