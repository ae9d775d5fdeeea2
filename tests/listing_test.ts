/** Lists of the platform. */
import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { createTenure, TenureError } from "tenure";
import { trusted } from "tenure/sandbox/trusted";
import { memory } from "tenure/storage/memory";

const CODE = `import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint { async run() {} }`;

describe("tenants()", () => {
  it("lists who has deployed code, over all shards, a page at a time", async () => {
    const tenure = await createTenure({ storage: memory({ shards: 4 }), sandbox: trusted() });
    const ids = Array.from({ length: 23 }, (_, n) => `tenant ${n}/é:%`);
    for (const id of ids) await tenure.tenant(id).deploy(CODE);
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await tenure.tenants({ limit: 5, ...(cursor !== undefined && { cursor }) });
      found.push(...page.tenants);
      cursor = page.cursor;
    } while (cursor !== undefined);
    assertEquals(found.toSorted(), ids.toSorted());
    await tenure.close();
  });

  it("refuses a cursor that no page ended with", async () => {
    const tenure = await createTenure({ storage: memory() });
    for (const cursor of ["", "zz", "5b5d", "6e756c6c", "5b312c325d"]) {
      const error = await assertRejects(() => tenure.tenants({ cursor }), TenureError);
      assertEquals(error.code, "invalid_argument");
    }
    await tenure.close();
  });
});
