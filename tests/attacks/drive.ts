/**
 * Drives one guest to its end, as simply as can be: every body runs once, every sleep is over at once, nothing is
 * stored but the pieces of streams. Bounded in time and turns, whatever the guest does.
 */
import { frame, parseFrame } from "../../core/frame.ts";
import type { Command, Death, Guest } from "../../core/ports/guest.ts";
import { decode, encode } from "../../core/values.ts";

/** What became of a guest. */
export type Outcome =
  | { readonly kind: "end"; readonly ok: boolean; readonly value: unknown }
  | { readonly kind: "dead"; readonly death: Death }
  /** It rests, and nothing is open that could wake it. */
  | { readonly kind: "stalled" }
  /** The driver's own bound. */
  | { readonly kind: "over" };

const NOW = 1_735_689_600_000;
const CONFIG = { retries: { limit: 0, delay: 0, backoff: "constant" }, timeout: 60_000 };

/** Runs the exported class `Flow`. */
export async function drive(guest: Guest, { totalMs = 1_500, turns = 20_000 }: { totalMs?: number; turns?: number } = {}): Promise<Outcome> {
  const started = performance.now();
  const head = { now: NOW, seed: "seed", class: "Flow", event: { timestamp: NOW, instanceId: "i-1", workflowName: "Flow" } };
  const frames = [frame({ d: "start", ...head, bindings: [] }, encode({ params: { n: 1 }, env: {} }))];
  const sleeping: number[] = [];
  const pieces = new Map<string, string>();
  for (let turn = 0; turn < turns && performance.now() - started < totalMs; turn++) {
    // Whatever can go on goes on before a sleep is over.
    const next = frames.shift() ?? settled(sleeping.shift());
    if (next === undefined) return { kind: "stalled" };
    const { out, state, death } = await guest.turn(next, next.includes('"d":"body"') ? null : NOW);
    if (state === "dead") return { kind: "dead", death: death as Death };
    for (const text of out) {
      const end = answer(text, frames, sleeping, pieces);
      if (end !== undefined) return end;
    }
  }
  return { kind: "over" };
}

function answer(text: string, frames: string[], sleeping: number[], pieces: Map<string, string>): Outcome | undefined {
  const { header, value } = parseFrame(text) as { header: Command; value: string | undefined };
  if (header.c === "do") {
    const { id, name } = header;
    frames.push(frame({ d: "body", now: NOW, id, attempt: 1, name, count: 1, config: CONFIG, seed: `seed-${id}` }));
  } else if (header.c === "piece") {
    pieces.set(`${header.in} ${header.n}`, value as string);
    frames.push(frame({ d: "settle", now: NOW, id: header.id, ok: true }));
  } else if (header.c === "read") {
    frames.push(frame({ d: "settle", now: NOW, id: header.id, ok: true }, pieces.get(`${header.of} ${header.n}`)));
  } else if (header.c === "done" && header.stream === true) {
    let stream = 0;
    while (pieces.has(`${header.id} ${stream}`)) stream++;
    frames.push(frame({ d: "settle", now: NOW, id: header.id, ok: true, stream }));
  } else if (header.c === "done") frames.push(frame({ d: "settle", now: NOW, id: header.id, ok: header.ok }, value));
  else if (header.c === "sleep" || header.c === "timer") sleeping.push(header.id);
  else if (header.c === "wait" || header.c === "call") {
    frames.push(frame({ d: "settle", now: NOW, id: header.id, ok: false }, encode(new Error("refused"))));
  } else if (header.c === "end") return { kind: "end", ok: header.ok, value: header.ok ? decode(value as string) : undefined };
  return undefined;
}

function settled(id: number | undefined): string | undefined {
  return id === undefined ? undefined : frame({ d: "settle", now: NOW, id, ok: true }, encode(undefined));
}
