/**
 * The platform: a process that runs what its tenants wrote, and that gets killed. Nothing in here handles that: started
 * again on the same file, it does the same as the first time, and what was running goes on.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { createTenure, TenureError, type Workflow, type WorkflowInstance } from "tenure";
import { quickjs } from "tenure/sandbox/quickjs";
import { sqlite } from "tenure/storage/sqlite";
import { grants, type Outside } from "./services.ts";
import { type FromPlatform, readLines, type ToPlatform } from "./wire.ts";

const folder = process.argv[2] as string;

let effects = 0;
const waiting = new Map<number, () => void>();
const outside: Outside = {
  effect: (what, body) =>
    new Promise((written) => {
      const id = ++effects;
      waiting.set(id, written);
      say({ say: "effect", id, what, body });
    }),
  ask: (tenant, instance, open) => say({ say: "question", tenant, instance, open }),
};

const tenure = await createTenure({
  storage: sqlite({ path: join(folder, "tenure.db") }),
  sandbox: quickjs(),
  env: (request) => grants(request, outside),
});

// Two tenants bring their code as text; neither can see the other.
const acme = tenure.tenant("acme");
await acme.deploy({ mainModule: "index.ts", modules: modulesOf("licence-audit") });
const globex = tenure.tenant("globex");
await globex.deploy({ mainModule: "index.ts", modules: modulesOf("onboarding") });

const audits = acme.workflow("LicenceAudit");
const welcomes = globex.workflow("Onboarding");
const instances: [tenant: string, instance: WorkflowInstance][] = [
  ["acme", await start(audits, "audit-1", { project: "tenure", allowed: ["MIT", "ISC", "Apache-2.0", "BSD-3-Clause"] })],
  ["globex", await start(welcomes, "ada", { customer: "ada", seats: 200 })],
  ["globex", await start(welcomes, "grace", { customer: "grace", seats: 10 })],
];

readLines<ToPlatform>(process.stdin, (message) => {
  if (message.tell === "written") {
    waiting.get(message.id)?.();
    waiting.delete(message.id);
  } else {
    void decide(message);
  }
});
process.stdin.on("end", () => process.exit(1));

const outputs = await Promise.all(instances.map(([tenant, instance]) => follow(tenant, instance)));
await tenure.close();
say({ say: "done", outputs: Object.fromEntries(outputs) }, () => process.exit(0));

/** Makes an instance, once: the id says whether it is there already. */
async function start<Params>(workflow: Workflow<Params>, id: string, params: Params): Promise<WorkflowInstance> {
  try {
    return await workflow.create({ id, params });
  } catch (error) {
    if (TenureError.is(error) && error.code === "instance.already_exists") return await workflow.get(id);
    throw error;
  }
}

/** Reports what is durable of an instance until it is done. */
async function follow(tenant: string, instance: WorkflowInstance): Promise<[string, unknown]> {
  let over = false;
  const result = instance.result().finally(() => over = true);
  const told = new Set<number>();
  for (let last = false; !last; await pause(100)) {
    last = over;
    const steps: string[] = [];
    for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
      const page = await instance.history({ limit: 1000, ...(cursor !== undefined && { cursor }) });
      cursor = page.cursor;
      for (const { seq, type, kind, name } of page.entries) {
        if (type !== "settled" || kind !== "do" || told.has(seq)) continue;
        told.add(seq);
        steps.push(name ?? "");
      }
    }
    if (steps.length > 0) say({ say: "recorded", tenant, instance: instance.id, steps });
  }
  return [`${tenant}/${instance.id}`, await result];
}

/** The id of the event makes it safe to send again: it counts once. */
async function decide({ tenant, instance: id, approved, by }: Extract<ToPlatform, { tell: "decide" }>): Promise<void> {
  const instance = await tenure.tenant(tenant).workflow("LicenceAudit").get(id);
  await instance.sendEvent({ type: "decision", payload: { approved, by }, id: "decision-1" });
}

function modulesOf(tenant: string): Record<string, string> {
  const source = new URL(`../tenants/${tenant}/`, import.meta.url);
  return Object.fromEntries(readdirSync(source).map((name) => [name, readFileSync(new URL(name, source), "utf8")]));
}

function say(message: FromPlatform, written?: () => void): void {
  process.stdout.write(`${JSON.stringify(message)}\n`, written);
}
