/** How many commits a store makes, and what it says that they are worth: a row of the table of `npm run test:storage`. */
import { appendFileSync } from "node:fs";
import process from "node:process";
import type { Head, StorageAdapter, Store } from "../../../core/ports/store.ts";

/** A row. */
export interface Figures {
  /** The adapter, as it is called. */
  readonly adapter: string;
  /** What an answered commit survives, as the store says. */
  readonly durability: string;
  /** Whether writers are fenced. */
  readonly writers: string;
  /** Commits of one instance each, one after the other, a second. */
  readonly alone: number;
  /** Instances a second, a hundred to a commit. */
  readonly together: number;
}

/** How long each is measured, ms. */
const TIME = 600;

/** Makes the figures of a fresh store, with the wall clock that is given. */
export async function figuresOf(adapter: string, storage: StorageAdapter, now: () => number = Date.now): Promise<Figures> {
  const store = await storage.open();
  try {
    const lease = await store.acquire(0, "figures", 600_000);
    const { durability, writers } = store.caps;
    const alone = await rate(store, lease?.epoch ?? 0, 1, now);
    const together = await rate(store, lease?.epoch ?? 0, 100, now);
    return { adapter, durability, writers, alone, together };
  } finally {
    await store.close();
  }
}

/** Hands a row to who started the suite. */
export function tell(figures: Figures): void {
  const file = process.env.TENURE_FIGURES ?? "";
  if (file !== "") appendFileSync(file, `${JSON.stringify(figures)}\n`);
}

async function rate(store: Store, epoch: number, instances: number, now: () => number): Promise<number> {
  const text = "x".repeat(200);
  const start = now();
  let made = 0;
  do {
    const heads: Head[] = Array.from({ length: instances }, (_, i) => ({
      ...{ tenant: "acme", workflow: "flow", id: `${instances}-${made}-${i}` },
      ...{ status: "waiting", wake: null, created: 1, ended: null, data: "{}" },
    }));
    const appends = heads.map(({ tenant, workflow, id }) => ({ key: { tenant, workflow, id }, seq: 0, count: 1, text }));
    const batch = { shard: 0, epoch, drops: [], heads, appends, cells: [], acks: [] };
    const answer = await store.commit(`${instances}-${made++}`, [batch]);
    if (answer !== "ok") throw new Error(`A commit was answered with ${JSON.stringify(answer)}`);
  } while (now() - start < TIME);
  return Math.round(made * instances / ((now() - start) / 1_000));
}
