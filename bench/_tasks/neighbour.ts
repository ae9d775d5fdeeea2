/**
 * A tenant that makes one run of one step after the other, and how long each takes: what others do to it.
 *
 * @module
 */
import { join } from "node:path";
import type { Limits, Tenure, Workflow } from "../../mod.ts";
import { checkOutput, type Input, inputOf, type Output } from "../_engines/engine.ts";
import { SOURCE } from "../_engines/tenure.ts";

/** How long its runs took, ms. */
export interface Pace {
  readonly runs: number;
  readonly p50: number;
  readonly p99: number;
}

/** A quiet tenant. */
export interface Neighbour {
  /** Makes runs until `over` is settled, at least `least`. */
  during(over: Promise<unknown>, least?: number): Promise<Pace>;
}

/** What is opened. */
export interface Crowd {
  readonly tenure: Tenure;
  readonly neighbour: Neighbour;
  /** The one that is a burden to it, with a workflow `Burden`. */
  readonly burden: Workflow<unknown, unknown>;
}

/** How a crowd is opened. */
export interface CrowdOptions {
  readonly folder: string;
  readonly guest: "quickjs" | "trusted";
  /** Of the tenant that is a burden. */
  readonly limits: Partial<Limits>;
  /** A module with the workflow `Burden`. */
  readonly source: string;
  /** What it is granted. */
  readonly env?: Readonly<Record<string, unknown>>;
  readonly log?: () => void;
}

const PLENTY = 1e9;

/** The file of a crowd. */
export function fileOf(folder: string): string {
  return join(folder, "tenure.db");
}

/** Opens an engine on a new SQLite file with two tenants. */
export async function openCrowd({ folder, guest, limits, source, env = {}, log = () => {} }: CrowdOptions): Promise<Crowd> {
  const { createTenure } = await import("../../mod.ts");
  const { sqlite } = await import("../../adapters/storage/sqlite.ts");
  const sandbox = guest === "quickjs"
    ? (await import("../../adapters/sandbox/quickjs.ts")).quickjs()
    : (await import("../../adapters/sandbox/trusted.ts")).trusted();
  const tenure = await createTenure({
    storage: sqlite({ path: fileOf(folder) }),
    sandbox,
    env: () => env,
    limits: (tenant) => tenant === "burden" ? limits : { createsPerSecond: PLENTY },
    logger: { debug: log, info: log, warn: log, error: log },
  });
  const [quiet, loud] = [tenure.tenant("neighbour"), tenure.tenant("burden")];
  await quiet.deploy(SOURCE);
  await loud.deploy(source);
  return { tenure, neighbour: neighbourOf(quiet.workflow<Input, Output>("Bench")), burden: loud.workflow("Burden") };
}

function neighbourOf(workflow: Workflow<Input, Output>): Neighbour {
  return {
    async during(over, least = 1) {
      const took: number[] = [];
      let go = true;
      const end = over.finally(() => go = false);
      while (go || took.length < least) {
        const begin = performance.now();
        const instance = await workflow.create({ params: inputOf(1) });
        checkOutput(await instance.result(), 1);
        took.push(performance.now() - begin);
      }
      await end;
      return paceOf(took);
    },
  };
}

function paceOf(took: readonly number[]): Pace {
  return { runs: took.length, p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}

/** A value that this share of all is not above. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** Resolves after so long, ms. */
export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
