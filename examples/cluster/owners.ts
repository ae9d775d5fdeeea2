/** Who owns which shards, as the server has it. */
import type { Sql } from "postgres";

/** Processes by shard; `null`: nobody. A process is named by its number where the machine says it, else by its engine. */
export async function ownersOf(sql: Sql): Promise<(string | null)[]> {
  const rows = await sql<{ owner: string | null; process: string | null }[]>`
    SELECT CASE WHEN s.expires > clock_timestamp() THEN s.owner END AS owner, m.process
    FROM tenure.shard s LEFT JOIN tenure.member m ON m.owner = s.owner ORDER BY s.id`;
  return rows.map(({ owner, process }) => owner === null ? null : process ? String(JSON.parse(process)[1]) : owner.slice(0, 8));
}

/** The same in a line. */
export function inWords(owners: readonly (string | null)[]): string {
  const counts = new Map<string, number[]>();
  owners.forEach((owner, shard) => counts.set(owner ?? "nobody", [...counts.get(owner ?? "nobody") ?? [], shard]));
  return [...counts].map(([owner, shards]) => `${owner}: ${shards.join(" ")}`).join("; ");
}
