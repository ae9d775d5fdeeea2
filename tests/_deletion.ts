/** A tenant that leaves something of every kind in its store, and a search for it. */
import type { Tenure } from "../mod.ts";

/** The tenant that goes, and one that stays. Each name is in the ids of its instances, too. */
export const GONE = "vanishing";
/** The one that stays. */
export const KEPT = "remaining";

/** Its code. */
export const SOURCE: string = `
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Work extends WorkflowEntrypoint {
  async run(event, step) {
    await step.do("bytes", async () => new ReadableStream({ start(c) { c.enqueue(new Uint8Array(10)); c.close(); } }));
    if (event.payload.child) await step.invoke("child", { workflow: "Work", id: event.instanceId + "-child", params: { wait: true } });
    if (event.payload.wait) await step.waitForEvent("w", { type: "go", timeout: "1 day" });
    return "done";
  }
}`;

/** Has it do something of every kind. */
export async function live(tenure: Tenure, name: string): Promise<void> {
  const tenant = tenure.tenant(name);
  await tenant.deploy(SOURCE);
  await tenant.deploy(`${SOURCE}\n// ${name} a second version`);
  const work = tenant.workflow("Work");
  await (await work.create({ id: `${name}-done`, params: { wait: false } })).result();
  await work.create({ id: `${name}-waits`, params: { wait: true } });
  const parent = await work.create({ id: `${name}-parent`, params: { child: true } });
  await work.schedules.put(`${name}-schedule`, { cron: "0 0 1 1 *" });
  await work.schedules.put("0 0 * * *", { cron: "0 0 * * *" });
  while ((await parent.status()).status !== "waiting") await new Promise((done) => setTimeout(done, 5));
}

/** What holds a tenant's name. */
export function traces(texts: readonly string[], tenant: string): string[] {
  return texts.filter((text) => text.includes(tenant)).map((text) => text.slice(0, 200));
}
