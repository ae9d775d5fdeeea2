/**
 * Where the time goes: V8's sampling profiler over a measured window, summed up by function.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** What one function took itself, without what it called. */
export interface FunctionCost {
  /** `name file:line`. */
  readonly name: string;
  /** Share of the window in which the thread was not idle, 0 to 1. */
  readonly share: number;
}

const SAMPLE_MICROSECONDS = 200;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A window, summed up in two ways, the dearest first. */
export interface Profile {
  readonly functions: readonly FunctionCost[];
  /** The same by file; functions of Node and V8 count by their names. */
  readonly files: readonly FunctionCost[];
}

/** Begins to sample; the answer ends it, keeps the samples in `file` (for the tools that read `.cpuprofile`) and sums up. */
export async function startProfile(file: string): Promise<() => Promise<Profile>> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: SAMPLE_MICROSECONDS });
  await session.post("Profiler.start");
  return async () => {
    const { profile } = await session.post("Profiler.stop");
    session.disconnect();
    writeFileSync(file, JSON.stringify(profile));
    return sumUp(profile as Samples);
  };
}

interface Samples {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples?: readonly number[];
  readonly timeDeltas?: readonly number[];
}

function sumUp({ nodes, samples = [], timeDeltas = [] }: Samples): Profile {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, i) => {
    const name = names.get(id) ?? "?";
    if (IDLE.test(name)) return;
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[i] ?? 0));
  });
  const files = new Map<string, number>();
  for (const [name, time] of times) {
    const file = /^\S+ (?!node:)(.*):\d+$/.exec(name)?.[1] ?? name;
    files.set(file, (files.get(file) ?? 0) + time);
  }
  return { functions: shares(times), files: shares(files) };
}

/** What is no work of the measured: waiting, and the profiler itself. */
const IDLE = /^(\(idle\)|\(root\)|post node:inspector.*)$/;

function shares(times: ReadonlyMap<string, number>): readonly FunctionCost[] {
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times].map(([name, time]) => ({ name, share: time / total })).sort((a, b) => b.share - a.share).slice(0, 60);
}

function nameOf({ functionName, url, lineNumber }: Samples["nodes"][number]["callFrame"]): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (url === "") return name;
  // all of a WebAssembly module under one name: its functions have none
  if (url.startsWith("wasm:")) return "(WebAssembly)";
  const path = url.startsWith("file:") ? relative(ROOT, fileURLToPath(url)).replaceAll("\\", "/") : url;
  return `${name} ${path}:${lineNumber + 1}`;
}
