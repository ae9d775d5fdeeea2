/**
 * The tables that people read.
 *
 * @module
 */
import { boundText, type Figure, meets } from "./figure.ts";
import { readable } from "./stats.ts";

/** The figures of one line: those that have a place as one table each, what is held against a bound as a list. */
export function tablesOf(title: string, figures: readonly Figure[]): string {
  const tables = new Set(figures.flatMap(({ place }) => place === undefined ? [] : [place.table]));
  const listed = figures.filter(({ place, bar, goal }) => place === undefined || bar !== undefined || goal !== undefined);
  return [
    `### ${title}`,
    ...[...tables].map((table) => matrix(table, figures)),
    ...(listed.length > 0 ? [list(listed)] : []),
  ].join("\n\n") + "\n";
}

function matrix(table: string, figures: readonly Figure[]): string {
  const cells = new Map<string, Map<string, string>>();
  const columns = new Set<string>();
  for (const { place, value, unit } of figures) {
    if (place?.table !== table) continue;
    const row = cells.get(place.row) ?? new Map<string, string>();
    const column = `${place.column}, ${unit}`;
    cells.set(place.row, row.set(column, readable(value)));
    columns.add(column);
  }
  const rows = [...cells].map(([row, values]) => [row, ...[...columns].map((column) => values.get(column) ?? "")]);
  return markdown([[table, ...columns], ...rows], (column) => column > 0);
}

function list(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, unit, low, high, bar, goal }) => [
    name.slice(name.indexOf("/") + 1),
    `${readable(value)} ${unit}`,
    low === high ? "" : `${readable(low)} – ${readable(high)}`,
    bar === undefined ? "" : `${boundText(bar)} ${meets(value, bar) ? "met" : "**MISSED**"}`,
    goal === undefined ? "" : `${boundText(goal)}${meets(value, goal) ? " reached" : ""}`,
  ]);
  return markdown([["", "median", "lowest – highest", "bar", "goal"], ...rows], (column) => column === 1 || column === 2);
}

function markdown(rows: readonly (readonly string[])[], right: (column: number) => boolean): string {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => right(i) ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number)).join(" | ")} |`;
  const rule = widths.map((width, i) => right(i) ? `${"-".repeat(width - 1)}:` : "-".repeat(width));
  return [line(head), line(rule), ...rows.slice(1).map(line)].join("\n");
}
