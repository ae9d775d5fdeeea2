/** A run that writes, races and reads streams, whose process dies before and after each of its commits. */
import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { describe, it } from "node:test";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { trusted } from "../adapters/sandbox/trusted.ts";
import { simulateCrash } from "../testing/mod.ts";

/** Whole on one runtime, of one piece on the others: what differs between runtimes is not what differs between commits. */
const WHOLE = !("Deno" in globalThis || "Bun" in globalThis) && process.version.startsWith("v24.");

const SOURCE = `
  import { WorkflowEntrypoint } from "cloudflare:workers";
  const streamOf = (length, first) => {
    let left = length;
    return new ReadableStream({ pull(c) { if (left === 0) return c.close(); const n = Math.min(left, 70_000); c.enqueue(new Uint8Array(n).fill(first)); left -= n; } });
  };
  const summed = async (stream) => { let sum = 0; for await (const chunk of stream) sum += chunk.length * chunk[0]; return sum; };
  export class Flow extends WorkflowEntrypoint {
    async run(event, step) {
      const seen = [];
      const note = (name) => (value) => { seen.push(name); return value; };
      const [a, b] = await Promise.all([step.do("a", async () => streamOf(${WHOLE ? 300_000 : 10}, 1)), step.do("b", async () => streamOf(10, 2))]);
      const [left, right] = a.tee();
      const reader = left.getReader();
      await Promise.all([
        (async () => { for (let n = 0; !(await reader.read()).done; n++) { note("read " + n)(); if (n === 1) await step.do("between", async () => 1); } })(),
        step.do("quick", async () => 1).then(note("quick")),
        step.sleep("no time", 0).then(note("sleep")),
        step.do("reads", async () => summed(b)).then(note("reads")),
      ]);
      const winner = await Promise.race([right.getReader().read().then(() => "read"), step.sleep("race", 0).then(() => "sleep")]);
      const nested = await step.do("outer", async () => summed(await step.do("inner", async () => streamOf(10, 3))));
      await step.sleep("a while", "1 day");
      return { winner, nested, reads: seen.filter((name) => name.startsWith("read ")).length };
    }
  }
`;

describe("streams and crashes at every commit", () => {
  for (const sandbox of [trusted(), quickjs()]) {
    it(`come to the same result, and no step runs again whose result was recorded, on ${sandbox.name}`, async () => {
      const { run, crashes } = await simulateCrash(SOURCE, { sandbox });
      assertEquals(run.output, { winner: "read", nested: 30, reads: WHOLE ? 2 : 1 });
      assert(crashes >= (WHOLE ? 20 : 14), `${crashes}`);
    });
  }
});
