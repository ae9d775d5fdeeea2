/**
 * Which engine is to own how many shards, and who takes which of those that nobody owns.
 *
 * Guarantees: a pure function of what a survey says, so all who have seen the same come to the same; the shares of any
 * two differ by one at most; who owns the most keeps the larger ones, so that as few shards move as can be.
 *
 * @module
 */
import type { Member, Survey } from "../ports/store.ts";

/** What an engine is to do about a survey. */
export interface Share {
  /** Shards to acquire now, of those that nobody owns. */
  readonly take: readonly number[];
  /** How many shards it is to own in the end. */
  readonly fair: number;
}

/** The share of `owner` in a store of so many shards. */
export function shareOf(owner: string, { members, free }: Pick<Survey, "members" | "free">, shards: number): Share {
  // by the most shards first, then by a name that is the same for all
  const order = [...members].sort((a, b) => b.shards - a.shards || compare(a, b));
  const least = Math.floor(shards / order.length), larger = shards % order.length;
  let given = 0;
  for (const [rank, member] of order.entries()) {
    const fair = least + (rank < larger ? 1 : 0);
    const take = Math.max(0, fair - member.shards);
    if (member.owner === owner) return { take: free.slice(given, given + take), fair };
    given += take;
  }
  return { take: [], fair: 0 };
}

function compare(a: Member, b: Member): number {
  return a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0;
}
