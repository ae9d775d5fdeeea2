/** The table of all stores, as docs/storage.md shows it. */
import type { Figures } from "./figures.ts";

/** Figures of a runtime. */
export interface Row extends Figures {
  /** Where they were made. */
  readonly runtime: string;
}

const SURVIVES: Readonly<Record<string, string>> = {
  fsync: "loss of power",
  replicated: "loss of a machine",
  process: "loss of the process",
  none: "nothing",
};

/** Makes it: a row for each adapter and guarantee, with its runtimes in one cell. */
export function tableOf(rows: readonly Row[]): string {
  const lines = ["| adapter | an answered commit survives | writers | commits a second / instances a second, 100 a commit |", "| --- | --- | --- | --- |"];
  const groups = new Map<string, string[]>();
  for (const { adapter, durability, writers, runtime, alone, together } of rows) {
    const guarantee = `| ${adapter} | ${SURVIVES[durability] ?? durability} | ${writers === "fenced" ? "fenced" : "one process"}`;
    const cells = groups.get(guarantee) ?? [];
    groups.set(guarantee, [...cells, `${runtime} ${short(alone)} / ${short(together)}`]);
  }
  for (const [guarantee, cells] of groups) lines.push(`${guarantee} | ${cells.join(" · ")} |`);
  return lines.join("\n");
}

function short(n: number): string {
  return n < 1_000 ? `${n}` : `${(n / 1_000).toFixed(n < 10_000 ? 1 : 0)} k`;
}
