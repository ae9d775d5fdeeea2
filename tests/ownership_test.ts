/** Several processes on one store, as several engines on one SQLite file: one owns it, all serve it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { createTenure, type Tenure, WorkflowEntrypoint, WorkflowError, type WorkflowEvent, type WorkflowStep } from "tenure";
import { sqlite } from "tenure/storage/sqlite";

class Approval extends WorkflowEntrypoint<unknown, { what: string }> {
  async run(event: WorkflowEvent<{ what: string }>, step: WorkflowStep): Promise<string> {
    const asked = await step.do("ask", () => Promise.resolve(`may I ${event.payload.what}?`));
    const answer = await step.waitForEvent<string>("answer", { type: "answer", timeout: "1 hour" });
    return `${asked} ${answer.payload}`;
  }
}

let folder = "";
const opened: Tenure[] = [];

async function engine(own = true): Promise<Tenure> {
  const tenure = await createTenure({ storage: sqlite({ path: join(folder, "tenure.db") }), engine: own });
  tenure.register("Approval", Approval, { version: "1" });
  opened.push(tenure);
  return tenure;
}

const approvals = (tenure: Tenure) => tenure.tenant("acme").workflow<{ what: string }, string>("Approval");

describe("two engines on one SQLite file", () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tenure-owner-"));
  });
  afterEach(async () => {
    for (const tenure of opened.splice(0)) await tenure.close({ timeout: 0 });
    rmSync(folder, { recursive: true, force: true });
  });

  it("serve the same API: what one does not own goes through the other's inbox", async () => {
    await engine();
    const other = approvals(await engine());
    const approval = await other.create({ id: "a", params: { what: "go" } });
    await approval.sendEvent({ type: "answer", payload: "yes" });
    assertEquals(await approval.result(), "may I go? yes");
    const error = await assertRejects(() => other.create({ id: "a", params: { what: "stay" } }), WorkflowError);
    assertEquals(error.code, "instance.already_exists");
    await assertRejects(() => approval.terminate(), WorkflowError, "(instance.cannot_terminate)");
  });

  it("take over from one another: the second goes on where the first let go", async () => {
    const first = await engine(), second = await engine();
    await approvals(first).create({ id: "a", params: { what: "go" } });
    await first.close();
    const approval = await approvals(second).get("a");
    await approval.sendEvent({ type: "answer", payload: "no" });
    assertEquals(await approval.result(), "may I go? no");
    const { entries } = await approval.history();
    assertEquals(entries.filter((e) => e.type === "started" || e.attempt === 1).length, 1);
    assert(entries.every((e) => e.type !== "interrupted"));
  });

  it("leave running to the owner when they are told to", async () => {
    const api = await engine(false), owner = await engine();
    const approval = await approvals(api).create({ params: { what: "go" } });
    await approval.sendEvent({ type: "answer", payload: "yes" });
    assertEquals(await approval.result(), "may I go? yes");
    await owner.close();
    assertEquals((await approval.status()).status, "complete");
  });
});
