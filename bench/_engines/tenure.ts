/**
 * Tenure itself: workflows of the host, a tenant's code without walls, a tenant's code in QuickJS.
 *
 * @module
 */
import { join } from "node:path";
import type { SandboxAdapter, StorageAdapter, Tenure, Workflow, WorkflowEvent, WorkflowStep } from "../../mod.ts";
import { type Engine, type Input, inputOf, type Output, runOutput, stepOutput } from "./engine.ts";
import { countIn } from "./recorded.ts";

/** How the workflow is run. */
export type GuestKind = "registered" | "trusted" | "runAhead" | "quickjs";

/** What differs between measurements. */
export interface TenureEngineOptions {
  /** Where the file is; without it the store is `memory()`. */
  readonly folder?: string | undefined;
  readonly guest: GuestKind;
  /** Runs go round so many tenants, since group commit is to work across them; 10 unless given. */
  readonly tenants?: number;
  /** Sees each call of the store. */
  readonly wrap?: (storage: StorageAdapter) => StorageAdapter;
}

/** An engine whose parts can be reached. */
export interface TenureEngine extends Engine {
  readonly tenure: Tenure;
  readonly workflows: readonly Workflow<Input, Output>[];
}

const PLENTY = 1e9;

/** The workflow as a tenant's module. It is typed as loosely as tenants write. */
export const SOURCE = `
import { WorkflowEntrypoint } from "cloudflare:workers";
const note = "x".repeat(140);
export class Bench extends WorkflowEntrypoint {
  async run(event, step) {
    const { steps, wait } = event.payload;
    let last, sum = 0;
    for (let i = 0; i < steps; i++) {
      last = await step.do("step-" + i, async () => ({ ok: true, id: "order-" + i, items: [1, 2, i], note }));
      sum += last.items[2];
    }
    if (wait) await step.waitForEvent("go", { type: "go" });
    return { ...last, items: [steps, sum] };
  }
}
`;

/** Opens one over a new store. */
export async function openTenure(options: TenureEngineOptions): Promise<TenureEngine> {
  const { folder, guest, tenants: count = 10, wrap = (storage) => storage } = options;
  const { createTenure, WorkflowEntrypoint } = await import("../../mod.ts");
  const sandbox = await sandboxOf(guest);
  const tenure = await createTenure({
    storage: wrap(await storageOf(folder)),
    ...(sandbox !== undefined && { sandbox }),
    limits: { createsPerSecond: PLENTY, instances: PLENTY, concurrency: PLENTY },
    maxRunning: 4_000,
  });
  if (guest === "registered") {
    class Bench extends WorkflowEntrypoint<unknown, Input> {
      async run({ payload }: WorkflowEvent<Input>, step: WorkflowStep): Promise<unknown> {
        let last: Output | undefined;
        let sum = 0;
        for (let i = 0; i < payload.steps; i++) {
          last = await step.do(`step-${i}`, () => Promise.resolve({ ...stepOutput(i) })) as Output;
          sum += last.items[2] as number;
        }
        if (payload.wait) await step.waitForEvent("go", { type: "go" });
        return runOutput(last as Output, payload.steps, sum);
      }
    }
    tenure.register("Bench", Bench, { version: "1" });
  }
  const tenants = Array.from({ length: count }, (_, i) => tenure.tenant(`tenant-${i}`));
  if (guest !== "registered") for (const tenant of tenants) await tenant.deploy(SOURCE);
  const workflows = tenants.map((tenant) => tenant.workflow<Input, Output>("Bench"));
  let runs = 0;
  return {
    tenure,
    workflows,
    async run(steps) {
      const workflow = workflows[runs++ % count] as Workflow<Input, Output>;
      const instance = await workflow.create({ params: inputOf(steps) });
      return await instance.result();
    },
    async close() {
      await tenure.close();
    },
    recorded() {
      if (folder === undefined) throw new Error("Cannot count what memory() held");
      const settled = '"k":"settled"';
      return countIn(fileIn(folder), {
        runs: "SELECT count(*) AS n FROM tenure_inst WHERE status = 'complete'",
        steps: `SELECT sum(length(text) - length(replace(text, '${settled}', ''))) / ${settled.length} AS n FROM tenure_journal`,
      });
    },
  };
}

async function sandboxOf(guest: GuestKind): Promise<SandboxAdapter | undefined> {
  switch (guest) {
    case "registered":
      return undefined;
    case "quickjs":
      return (await import("../../adapters/sandbox/quickjs.ts")).quickjs();
    case "trusted":
    case "runAhead":
      return (await import("../../adapters/sandbox/trusted.ts")).trusted({ runAhead: guest === "runAhead" });
  }
}

async function storageOf(folder: string | undefined): Promise<StorageAdapter> {
  if (folder === undefined) return (await import("../../adapters/storage/memory.ts")).memory();
  return (await import("../../adapters/storage/sqlite.ts")).sqlite({ path: fileIn(folder) });
}

function fileIn(folder: string): string {
  return join(folder, "tenure.db");
}
