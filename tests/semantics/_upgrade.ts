/** Moving instances of one workflow between its versions. */
import type { UpgradeOptions, UpgradeReport, WorkflowInstance } from "../../mod.ts";
import { source, type World } from "./_world.ts";

/** One step, then a sleep. */
export const NAP: string = `
  const a = await step.do("a", async () => { await T.note("a"); return 1; });
  await step.sleep("nap", "1 day");
`;
/** Goes on after it. */
export const V1: string = `${NAP} return ["v1", a, await step.do("b", async () => { await T.note("b"); return 2; })];`;
/** Keeps to the history of `V1` up to its sleep. */
export const V2: string = `${NAP} return ["v2", a, await step.do("c", async () => { await T.note("c"); return 3; })];`;
/** Does not. */
export const RENAMED: string = V1.replace(`"a", async`, `"A", async`);

/** Deploys another body of `Flow`: its version. */
export async function deploy(world: World, body: string): Promise<string> {
  return (await world.tenure().tenant("acme").deploy(source(body))).version;
}

/** Upgrades while time passes: a guest that acts by itself has ten seconds to issue what its history holds. */
export function upgrade(world: World, version: string, options: UpgradeOptions = {}): Promise<UpgradeReport> {
  return whileTimePasses(world, 100, world.tenure().tenant("acme").upgrade(version, options));
}

const NOTHING = new Uint8Array();

/** Lets time pass, so many ms whenever nothing else moves, until the promise is settled. */
export async function whileTimePasses<T>(world: World, ms: number, promise: Promise<T>): Promise<T> {
  let over = false;
  promise.then(() => over = true, () => over = true);
  for (;;) {
    await world.rest();
    if (over) return promise;
    // code is hashed beside the event loop, which the clock does not see: what was begun before this is done after it
    await crypto.subtle.digest("SHA-256", NOTHING);
    world.clock.jump(ms);
  }
}

/** An instance of `V1` in its sleep. */
export async function sleeper(world: World, id = "order-1"): Promise<WorkflowInstance> {
  const order = await world.run(V1, { id });
  await world.until(order, "waiting");
  return order;
}

/** An instance's history. */
export async function entriesOf(order: WorkflowInstance): Promise<Awaited<ReturnType<WorkflowInstance["history"]>>["entries"]> {
  return (await order.history({ limit: 1_000 })).entries;
}

/** The version that an instance runs in, as its history says. */
export async function versionOf(order: WorkflowInstance): Promise<string | undefined> {
  return (await entriesOf(order)).findLast((entry) => entry.version !== undefined)?.version;
}
