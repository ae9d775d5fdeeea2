/** What every place for code has to keep, its own store's and any other. */
import { assertEquals } from "@std/assert";
import type { Blobs } from "../../../core/ports/blobs.ts";
import { TenureError } from "../../../core/errors.ts";
import { createTenure } from "../../../mod.ts";
import { memory } from "../../../adapters/storage/memory.ts";
import { quickjs } from "../../../adapters/sandbox/quickjs.ts";

/** The cases, each in a place of its own. */
export function blobCases(open: () => Promise<Blobs>): { name: string; run(): Promise<void> }[] {
  return [
    {
      name: "keeps blobs of every size by tenant and hash, of texts that are alike",
      async run() {
        const blobs = await open();
        const bytes = (n: number) => Uint8Array.from({ length: n }, (_, i) => i * 31 + n);
        const names = ["a", "A", "a/b", "a:b", "a?b", "a%2fb", "../a", "é", "e\u0301", "\u{1f600}", "a$", "."];
        for (const [i, tenant] of names.entries()) {
          for (const [j, hash] of names.entries()) await blobs.put(tenant, hash, bytes(i * 20 + j));
        }
        for (const [i, tenant] of names.entries()) {
          for (const [j, hash] of names.entries()) assertEquals(await blobs.get(tenant, hash), bytes(i * 20 + j));
        }
        const large = bytes(3_000_000);
        await blobs.put("acme", "large", large);
        await blobs.put("acme", "large", large);
        assertEquals(await blobs.get("acme", "large"), large);
        await blobs.delete("a", "A");
        await blobs.delete("a", "unknown");
        assertEquals([await blobs.get("a", "A"), await blobs.get("a", "unknown"), await blobs.get("A", "a")], [null, null, bytes(20)]);
      },
    },
    {
      name: "keeps a tenant's code for engines that never saw it",
      async run() {
        const code = await open();
        const storage = memory();
        const source = "export class TenantWorkflow { async run(event, step) { return await step.do('a', () => event.payload + 1) } }";
        const first = await createTenure({ storage, sandbox: quickjs(), code });
        const { version } = await first.tenant("acme").deploy(source);
        await first.close();
        const second = await createTenure({ storage, sandbox: quickjs(), code });
        const run = await second.tenant("acme").workflow<number, number>().create({ id: "1", params: 1 });
        assertEquals(await run.result(), 2);
        // It was nowhere else.
        const third = await createTenure({ storage: memory(), sandbox: quickjs(), code });
        assertEquals((await third.tenant("acme").versions()).length, 0);
        for (const tenure of [second, third]) await tenure.close();
        if (await code.get("acme", version) === null) throw new TenureError("corrupt", "The code is not in its place");
      },
    },
  ];
}
