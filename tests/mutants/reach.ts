/**
 * Which places of the sources the simulator comes to at all: a change anywhere else it cannot see.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative, sep } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Whether a place of a file, an offset into its text, was come to. */
export type Reach = (file: string, at: number) => boolean;

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

/** Runs so many schedules on the sources themselves, in which V8 counts. Throws when one fails. */
export function reachOf(schedules: number, folder: string): Reach {
  const place = join(folder, "reach");
  mkdirSync(place);
  const args = ["--conditions=tenure-source", "scripts/sim.ts", "--schedules", String(schedules), "--jobs", "1"];
  const { status, stdout } = spawnSync(process.execPath, args, { env: { ...process.env, NODE_V8_COVERAGE: place }, encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot say what the simulator reaches: it failed\n${stdout}`);
  const scripts = globSync(join(place, "*.json")).flatMap((file) => (JSON.parse(readFileSync(file, "utf8")) as { result: Script[] }).result);
  rmSync(place, { recursive: true });
  const files = new Map<string, readonly Range[]>();
  for (const { url, functions } of scripts) {
    if (!url.startsWith("file:")) continue;
    // types are stripped to blanks: an offset is one into the source
    files.set(relative(".", fileURLToPath(url)).split(sep).join("/"), functions.flatMap(({ ranges }) => ranges));
  }
  return (file, at) => {
    let inner: Range | undefined;
    for (const range of files.get(file) ?? []) {
      if (range.startOffset > at || range.endOffset <= at) continue;
      if (inner === undefined || range.endOffset - range.startOffset <= inner.endOffset - inner.startOffset) inner = range;
    }
    return inner !== undefined && inner.count > 0;
  };
}
