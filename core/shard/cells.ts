/**
 * Reading many cells of a shard, a page at a time.
 *
 * @module
 */
import type { Store } from "../ports/store.ts";
import type { Cell } from "./committer.ts";

/** A cell that is there. */
export type FoundCell = Cell & { readonly value: string };

/** Pages of the cells whose keys begin with `prefix`, in their order; what is written meanwhile may be among them. The next is read when it is asked for. */
export async function* pagesOfCells(store: Store, shard: number, prefix: string, limit: number): AsyncGenerator<readonly FoundCell[], void> {
  for (let after = "";;) {
    const page = await store.cells(shard, { prefix, limit, ...(after !== "" && { after }) });
    yield page;
    if (page.length < limit) return;
    after = (page[page.length - 1] as FoundCell).key;
  }
}
