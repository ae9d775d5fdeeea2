/**
 * One parent of many children, with a neighbour beside it.
 *
 * @module
 */
import { openCrowd, type Pace, pause } from "./neighbour.ts";

/** What to measure. */
export interface ChildrenTask {
  readonly task: "children";
  readonly guest: "quickjs" | "trusted";
  readonly folder: string;
  readonly children: number;
}

/** What came of it. */
export interface ChildrenOf {
  readonly idle: Pace;
  readonly meanwhile: Pace;
  /** From the creation of the parent to its result, s. */
  readonly took: number;
}

const SOURCE = `
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Burden extends WorkflowEntrypoint {
  async run(event, step) {
    const parts = Array.from({ length: event.payload }, (_, n) => step.invoke("part", { workflow: "Part", params: n }));
    return (await Promise.all(parts)).reduce((sum, n) => sum + n, 0);
  }
}
export class Part extends WorkflowEntrypoint {
  async run(event, step) {
    return await step.do("one", async () => event.payload);
  }
}
`;
const PLENTY = 1e9;
/** How long the neighbour is measured alone, ms. */
const ALONE = 4_000;

/** Measures once. */
export async function measureChildren({ guest, folder, children }: ChildrenTask): Promise<ChildrenOf> {
  const { tenure, neighbour, burden } = await openCrowd({ folder, guest, limits: { createsPerSecond: PLENTY }, source: SOURCE });
  await neighbour.during(pause(1_000));
  const idle = await neighbour.during(pause(ALONE));
  const begin = performance.now();
  let took = 0;
  const meanwhile = await neighbour.during((async () => {
    const sum = await (await burden.create({ params: children })).result();
    took = (performance.now() - begin) / 1000;
    if (sum !== children * (children - 1) / 2) throw new Error(`Cannot trust the figures: the children returned ${String(sum)}`);
  })());
  await tenure.close();
  return { idle, meanwhile, took };
}
