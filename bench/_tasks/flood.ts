/**
 * A tenant that floods one of its limits after the other, and its neighbour meanwhile.
 *
 * @module
 */
import { TenureError, type Workflow } from "../../mod.ts";
import { type Neighbour, openCrowd, type Pace, pause } from "./neighbour.ts";

/** What to measure. */
export interface FloodTask {
  readonly task: "flood";
  readonly guest: "quickjs" | "trusted";
  readonly folder: string;
  /** How long each flood takes, ms. */
  readonly milliseconds: number;
}

/** The floods. */
export const FLOODS = ["creations", "events", "steps", "logs", "poison"] as const;
/** One of them. */
export type FloodName = typeof FLOODS[number];

/** What came of one. */
export interface Flooded {
  /** The neighbour, just before and meanwhile. */
  readonly idle: Pace;
  readonly meanwhile: Pace;
  /** What the flooding tenant was told, and how often. */
  readonly answers: Readonly<Record<string, number>>;
}

/** What came of all. */
export type Floods = Readonly<Record<FloodName, Flooded>>;

export const SOURCE = `
import { WorkflowEntrypoint } from "cloudflare:workers";
const line = "x".repeat(200);
export class Burden extends WorkflowEntrypoint {
  async run(event, step) {
    switch (event.payload) {
      case "events":
        await step.waitForEvent("w", { type: "never", timeout: "1 hour" });
        break;
      case "steps":
        for (let i = 0; i < 500; i++) await step.do("s" + i, async () => i);
        break;
      case "logs":
        for (let i = 0; i < 100; i++) await step.do("s" + i, async () => { for (let n = 0; n < 10; n++) console.log(line); });
        break;
      case "poison": {
        await step.do("grow", { retries: { limit: 5, delay: 1, backoff: "constant" } }, async () => {
          const kept = [];
          for (;;) kept.push(new Uint8Array(2 ** 20));
        });
      }
    }
  }
}
`;
const AT_ONCE = 20;

/** Measures each once. */
export async function measureFlood({ guest, folder, milliseconds }: FloodTask): Promise<Floods> {
  const { tenure, neighbour, burden } = await openCrowd({ folder, guest, limits: { concurrency: 100, memoryBytes: 16 * 2 ** 20 }, source: SOURCE });
  await neighbour.during(pause(1_000));
  const floods: Partial<Record<FloodName, Flooded>> = {};
  for (const name of FLOODS) {
    // nothing can grow without a bound in the host's own heap
    if (name === "poison" && guest === "trusted") continue;
    floods[name] = await measureOne(name, neighbour, burden, milliseconds);
  }
  await tenure.close();
  return floods as Floods;
}

export async function measureOne(name: FloodName, neighbour: Neighbour, burden: Workflow<unknown, unknown>, ms: number): Promise<Flooded> {
  const answers: Record<string, number> = {};
  const idle = await neighbour.during(pause(ms));
  const end = performance.now() + ms;
  const made: string[] = [];
  const ask = async (work: () => Promise<unknown>): Promise<void> => {
    let said = "ok";
    try {
      await work();
    } catch (error) {
      said = TenureError.is(error) ? error.code : "other";
    }
    answers[said] = (answers[said] ?? 0) + 1;
    // a refusal costs the caller nothing: it asks again as fast as the host lets it
    if (said !== "ok") await new Promise((done) => setImmediate(done));
  };
  const create = (params: string) => async (): Promise<void> => void made.push((await burden.create({ params })).id);
  let flood: Promise<unknown>;
  if (name === "events") {
    const instance = await burden.create({ params: name });
    made.push(instance.id);
    flood = repeat(() => ask(() => instance.sendEvent({ type: "t" })), end, AT_ONCE);
  } else if (name === "creations") {
    flood = repeat(() => ask(create("nothing")), end, AT_ONCE);
  } else {
    flood = repeat(() => ask(create(name)).then(() => pause(20)), end, 4);
  }
  const meanwhile = await neighbour.during(flood);
  for (const id of made) await burden.get(id).then((instance) => instance.terminate()).catch(() => {});
  await pause(1_000);
  return { idle, meanwhile, answers };
}

async function repeat(work: () => Promise<void>, end: number, atOnce: number): Promise<void> {
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (performance.now() < end) await work();
  }));
}
