/** What docs/security.md says of tenants' code: whose it is, where it comes from, what it shares. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { memory } from "../adapters/storage/memory.ts";
import { createCodeStore, hashCode } from "../core/code/code_store.ts";
import { onEach, source } from "./semantics/_world.ts";

onEach("code of two tenants", (test, sandbox) => {
  test("by one name, loaded at one time, is each tenant's own (S14)", async (world) => {
    const tenants = ["a", "b", "c", "d"];
    const flows = await Promise.all(tenants.map((tenant) => world.flow(`return ${JSON.stringify(tenant)} + event.payload;`, { tenant })));
    const orders = await Promise.all(flows.flatMap((flow) => [1, 2, 3].map((n) => flow.create({ id: `order-${n}`, params: n }))));
    assertEquals(await Promise.all(orders.map((order) => order.result())), tenants.flatMap((tenant) => [1, 2, 3].map((n) => `${tenant}${n}`)));
    await world.crash();
    for (const tenant of tenants) {
      assertEquals((await world.flows(tenant).list()).instances.map(({ output }) => output), [1, 2, 3].map((n) => `${tenant}${n}`));
    }
  });

  test("as the name of a module leads nowhere (S13)", async (world) => {
    const acme = world.tenure().tenant("acme");
    const main = source(`return 1;`);
    for (const name of ["../x.ts", "a/../b.ts", "/etc/passwd.ts", "a\0.ts", "C:\\x.ts", "file:///x.ts", "node:fs.ts", "./a.ts", "a//b.ts"]) {
      const error = await assertRejects(() => acme.deploy({ mainModule: "index.ts", modules: { "index.ts": main, [name]: "" } }), Error, "module name");
      assertEquals((error as { code?: string }).code, "code_invalid");
    }
    for (const specifier of ["../../../etc/passwd", "file:///etc/passwd", "node:fs", "fs", "https://example.com/a.js", "data:text/javascript,1", "%2e%2e/x.ts"]) {
      await assertRejects(() => acme.deploy(`import ${JSON.stringify(specifier)};\n${main}`), Error, "there is no module");
    }
    assertEquals(await acme.versions(), []);
    if (sandbox.caps.boundary === "none") return;
    const found = await (await world.run(`
      const found = [];
      for (const name of ["node:fs", "../x.ts", "/etc/passwd", "__proto__"]) found.push(await import(name).then(() => name, () => null));
      return found;
    `)).result();
    assertEquals(found, [null, null, null, null]);
  });

  if (sandbox.caps.boundary === "none") return;

  test("that is the same to the letter shares no state (S14)", async (world) => {
    const code = `import { WorkflowEntrypoint } from "cloudflare:workers";
      let seen = [];
      export class Flow extends WorkflowEntrypoint { async run(event) { seen.push(event.payload); globalThis.mark = seen; return [...seen]; } }`;
    for (const tenant of ["a", "b", "a", "b"]) {
      await world.tenure().tenant(tenant).deploy(code);
      assertEquals(await (await world.flows(tenant).create({ params: tenant })).result(), [tenant]);
    }
  });

  test("draws other random numbers in each of them, in instances of one id (S22)", async (world) => {
    const body = `return [Array.from({ length: 64 }, () => Math.random()), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(64))]];`;
    const draws: [number[], string, number[]][] = [];
    for (const tenant of ["acme", "beta"]) draws.push(await (await world.run(body, { tenant, id: "same" })).result());
    const [[a, idA, bytesA], [b, idB, bytesB]] = draws as [typeof draws[0], typeof draws[0]];
    assertNotEquals(idA, idB);
    assertEquals(a.filter((n) => b.includes(n)), []);
    // 64 bytes agree in one place in four times, on average: in sixteen once in many lives of this test
    assert(bytesA.filter((byte, n) => byte === bytesB[n]).length < 16);
    const mean = (of: number[]): number => of.reduce((sum, n) => sum + n, 0) / of.length;
    const [x, y] = [mean(a), mean(b)];
    const spread = (of: number[], m: number): number => Math.sqrt(of.reduce((sum, n) => sum + (n - m) ** 2, 0));
    const correlation = a.reduce((sum, n, i) => sum + (n - x) * ((b[i] as number) - y), 0) / (spread(a, x) * spread(b, y));
    // of two independent streams of 64 it is beyond 0.7 less than once in a billion
    assert(Math.abs(correlation) < 0.7, `${correlation}`);
  });
});

describe("the code store", () => {
  const CODE = { mainModule: "index.ts", modules: { "index.ts": "export {}" } };
  const PREPARED = { text: "prepared", classes: [] };

  it("does not remember that a read failed (S14)", async () => {
    const store = await memory().open();
    const version = await hashCode(CODE);
    await createCodeStore(store.blobs).put("acme", version, CODE, "quickjs", PREPARED);
    let failing = true;
    const codes = createCodeStore({ ...store.blobs, get: (...of) => failing ? Promise.reject(new Error("no")) : store.blobs.get(...of) });
    await assertRejects(() => codes.get("acme", version), Error, "no");
    failing = false;
    assertEquals(await codes.get("acme", version), PREPARED);
    await assertRejects(() => codes.get("beta", version), Error, "not in the code store");
    await store.close();
  });

  it("runs nothing whose source is not what its hash says (S13)", async () => {
    const store = await memory().open();
    const version = await hashCode(CODE);
    await createCodeStore(store.blobs).put("acme", version, CODE, "quickjs", PREPARED);
    const text = new TextDecoder().decode(await store.blobs.get("acme", version) as Uint8Array);
    const damaged = new TextEncoder().encode(text.replace("export {}", "export { }"));
    const codes = createCodeStore({ ...store.blobs, get: () => Promise.resolve(damaged) });
    await assertRejects(() => codes.get("acme", version), Error, "does not match its hash");
    await store.close();
  });

  it("gives other code another hash, however it is cut into modules (S13)", async () => {
    const codes = [
      CODE,
      { ...CODE, modules: { "index.ts": "export {}", "a.ts": "" } },
      { ...CODE, modules: { "index.ts": "export {}", "a.ts": '"],["b.ts","' } },
      { ...CODE, modules: { "index.ts": "export {}", "a.ts": "", "b.ts": "" } },
      { mainModule: "a.ts", modules: { "index.ts": "export {}", "a.ts": "" } },
    ];
    const hashes = await Promise.all(codes.map(hashCode));
    assertEquals(new Set(hashes).size, codes.length);
  });
});
