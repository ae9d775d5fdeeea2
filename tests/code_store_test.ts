import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { memory } from "../adapters/storage/memory.ts";
import { createCodeStore, hashCode } from "../core/code/code_store.ts";
import type { Blobs } from "../core/ports/blobs.ts";
import type { Code, Prepared } from "../core/ports/guest.ts";

const CODE: Code = { mainModule: "a.js", modules: { "a.js": "export {}" } };
const PREPARED: Prepared = { text: "export {}", classes: ["Flow"] };

/** Blobs whose reads are counted, and of which the first ones fail. */
async function counted(fails = 0): Promise<{ readonly blobs: Blobs; reads(): number }> {
  const { blobs } = await memory().open();
  let reads = 0;
  return {
    reads: () => reads,
    blobs: {
      put: (...args) => blobs.put(...args),
      delete: (...args) => blobs.delete(...args),
      async get(...args) {
        if (++reads <= fails) throw new Error("no answer");
        return await blobs.get(...args);
      },
    },
  };
}

describe("the code store", () => {
  it("reads and checks code once for all who ask at one time, and for each tenant", async () => {
    const { blobs, reads } = await counted();
    const version = await hashCode(CODE);
    for (const tenant of ["acme", "globex"]) await createCodeStore(blobs).put(tenant, version, CODE, "quickjs", PREPARED);
    const store = createCodeStore(blobs);
    const found = await Promise.all(["acme", "globex", "acme", "acme"].map((tenant) => store.get(tenant, version)));
    assertEquals(found, [PREPARED, PREPARED, PREPARED, PREPARED]);
    assertEquals(reads(), 2);
    await store.get("acme", version);
    assertEquals(reads(), 2);
  });

  it("tells all who asked that a read failed, and reads again for who asks then", async () => {
    const { blobs, reads } = await counted(1);
    const version = await hashCode(CODE);
    await createCodeStore(blobs).put("acme", version, CODE, "quickjs", PREPARED);
    const store = createCodeStore(blobs);
    const asked = [store.get("acme", version), store.get("acme", version)];
    for (const each of asked) {
      const error = await assertRejects(() => each, Error, "the storage failed");
      assertEquals((error.cause as Error).message, "no answer");
    }
    assertEquals(await store.get("acme", version), PREPARED);
    assertEquals(reads(), 2);
  });
});
