/** What two tenants do in one go: every kind of request, and workflows that use every kind of step. */
import type { InstanceStatus } from "../../mod.ts";
import type { Fleet, Role } from "./fleet.ts";

const source = (version: number): string => `
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Steps extends WorkflowEntrypoint {
  async run({ payload }, step) {
    const first = await step.do("first", async () => payload + 1);
    const retried = await step.do("retried", { retries: { limit: 3, delay: "10 seconds" } }, async ({ attempt }) => {
      // what a death cut off was an attempt too: whether the first one fails is nothing that the result may tell
      if (attempt === 1) throw new Error("not yet");
      return "in the end";
    });
    await step.sleep("nap", "1 minute");
    const all = await Promise.all(["x", "y"].map((name) => step.do(name, async () => name)));
    const race = await Promise.race([step.sleep("slow", "3 hours"), step.do("fast", async () => "fast")]);
    return { first, retried, all, race };
  }
}
export class Short extends WorkflowEntrypoint {
  async run({ payload }, step) {
    return await step.do("only", async () => payload + ${version});
  }
}
export class Slow extends WorkflowEntrypoint {
  async run(event, step) {
    return await step.do("slow", async () => {
      await new Promise((done) => setTimeout(done, 20_000));
      return "slow";
    });
  }
}
export class Waits extends WorkflowEntrypoint {
  async run(event, step) {
    const { payload } = await step.waitForEvent("go", { type: "go", timeout: "1 week" });
    const late = await step.waitForEvent("never", { type: "never", timeout: "1 hour" }).catch((error) => error.name);
    return { payload, late };
  }
}
export class Fails extends WorkflowEntrypoint {
  async run(event, step) {
    await step.do("fails", { retries: { limit: 1, delay: "1 second" } }, async () => { throw new RangeError("of its own"); });
  }
}`;

/** How each instance ended. */
export type Outcomes = Readonly<Record<string, InstanceStatus>>;

/** An instance, and who is asked for it. */
type Which = readonly [role: Role, tenant: string, workflow: string, id: string];

/** Plays it to its end. Every request is made until somebody says that it was done. */
export async function play({ ask, deploy, pass, kill, close }: Fleet): Promise<Outcomes> {
  const create = ([role, tenant, workflow, id]: Which, params: unknown = {}) =>
    ask(role, ({ tenure }) => tenure.tenant(tenant).workflow(workflow).create({ id, params }), ["instance.already_exists"]);
  const get = async ({ tenure }: Parameters<Parameters<Fleet["ask"]>[1]>[0], [, tenant, workflow, id]: Which) =>
    await tenure.tenant(tenant).workflow(workflow).get(id);
  const control = (which: Which, verb: "pause" | "resume" | "terminate" | "restart", known: readonly string[] = []) =>
    ask(which[0], async (server) => (await get(server, which))[verb](), known);
  const send = (which: Which, payload: unknown) =>
    ask(which[0], async (server) => (await get(server, which)).sendEvent({ type: "go", payload, id: `to ${which[3]}` }));
  // the owner is told; whoever is not looks at each commit, and all looks are alike
  const result = (which: Which, role: Role = "owner") => ask(role, async (server) => (await get(server, which)).result().catch(ofTheTenant));

  const steps: Which = ["owner", "acme", "Steps", "s"], waits: Which = ["owner", "acme", "Waits", "w"], fails: Which = ["owner", "acme", "Fails", "f"];
  const paused: Which = ["api", "acme", "Waits", "p"], terminated: Which = ["api", "bolt", "Waits", "w"], again: Which = ["owner", "bolt", "Short", "s"];
  const next: Which = ["owner", "acme", "Short", "next"], slow: Which = ["api", "acme", "Slow", "cut"];

  await Promise.all([
    ask("owner", (server) => deploy(server, "acme", source(1))),
    ask("api", (server) => deploy(server, "bolt", source(1))),
  ]);
  await Promise.all([create(steps, 1), create(waits), create(fails), create(paused), create(terminated), create(again, 10)]);
  await Promise.all([control(paused, "pause"), control(terminated, "terminate", ["instance.cannot_terminate"]), send(waits, 1), result(again)]);
  await Promise.all([send(paused, 2), control(again, "restart"), ask("owner", (server) => deploy(server, "acme", source(2)))]);
  await Promise.all([control(paused, "resume"), create(next, 2), create(slow)]);
  await Promise.all([result(next), result(again)]);
  // in the one body that is slow: so the calls of a recovery go wrong, too
  await pass(5_000);
  await kill("owner");

  await Promise.all([result(steps), result(paused), result(waits), result(slow)]);
  await result(terminated, "api");
  const outcomes: Record<string, InstanceStatus> = {};
  for (const [tenant, workflow] of [["acme", "Steps"], ["acme", "Waits"], ["acme", "Fails"], ["acme", "Short"], ["acme", "Slow"], ["bolt", "Waits"], ["bolt", "Short"]] as const) {
    const page = await ask("api", ({ tenure }) => tenure.tenant(tenant).workflow(workflow).list());
    for (const { id, ...status } of page?.instances ?? []) outcomes[`${tenant}/${workflow}/${id}`] = status;
  }
  await ask("api", async (server) => (await get(server, steps)).history());
  await ask("api", ({ tenure }) => tenure.tenants());
  await close();
  return outcomes;
}

/** That an instance failed is its result; that the platform did, is asked again. */
function ofTheTenant(error: unknown): void {
  if (error instanceof Error && "code" in error) throw error;
}
