/**
 * Frames between the engine and the layers of a guest: numbers of commands, names of bindings.
 *
 * @module
 */
import { frame, parseFrame } from "../../core/frame.ts";
import type { Delivery } from "../../core/ports/guest.ts";
import { decode, encode } from "../../core/values.ts";
import type { Entered, OpenedLayer } from "./layers.ts";

/** Layers of one run: the dispatcher's class, and what it has entered. */
export const MAX_LAYERS = 16;

/** What the dispatcher's layer calls to have recorded which code is to run. */
export const LOADER = "tenure:loader";

/** The class by which a loaded worker's entrypoints are reached: see guest/entry.ts. */
export const ENTRY_CLASS = "TenureEntry";

/** How a run begins. */
export type StartHeader = Delivery & { readonly d: "start" };

/** Whose command it is. */
export function layerOf(id: number | undefined): number {
  return typeof id === "number" ? id % MAX_LAYERS : 0;
}

/** A delivery with the layer's own number. */
export function deliveryOf(header: object | undefined, value: string | undefined): { readonly text: string; readonly settles?: number } {
  const { d, id, stream } = (header ?? {}) as { readonly d?: string; readonly id?: number; readonly stream?: number | { readonly of: number } };
  if (typeof id !== "number") return { text: frame(header ?? {}, value) };
  const own = Math.floor(id / MAX_LAYERS);
  // what a step to be undone had streamed is named by that step's command
  const streamed = typeof stream === "object" ? { stream: { ...stream, of: Math.floor(stream.of / MAX_LAYERS) } } : {};
  return { text: frame({ ...header, id: own, ...streamed }, value), ...(d === "settle" && { settles: own }) };
}

/** A command of a layer as the engine is to see it. */
export interface LayerCommand {
  readonly frame: string;
  /** Its own number, when it waits to be settled. */
  readonly opens?: number;
  /** Its run is over. */
  readonly end?: { readonly ok: boolean; readonly value: string | undefined };
}

/** Reads what a layer sent; `undefined` for what is no command: it comes from a tenant. */
export function commandFor(layer: number, text: string): LayerCommand | undefined {
  const taken = parseFrame(text);
  const header = taken?.header;
  if (typeof header !== "object" || header === null) return undefined;
  const { c, ...fields } = header as { readonly c?: unknown; readonly id?: unknown; readonly in?: unknown; readonly rollback?: unknown; readonly of?: unknown; readonly ok?: unknown; readonly target?: unknown };
  const value = taken?.value;
  if (c === "end") return { frame: text, end: { ok: fields.ok === true, value } };
  const mapped: Record<string, unknown> = { ...fields, c };
  for (const key of ["id", "in", "rollback", "of"] as const) {
    const number = fields[key];
    if (number === undefined || (key === "in" && number === 0)) continue;
    if (!Number.isSafeInteger(number) || (number as number) < 1 || (number as number) > Number.MAX_SAFE_INTEGER / MAX_LAYERS - 1) return undefined;
    mapped[key] = (number as number) * MAX_LAYERS + layer;
  }
  if (c === "call" && layer > 0) mapped["target"] = targetOf(layer, fields.target);
  const waits = c !== "done" && c !== "delay" && c !== "log";
  return { frame: frame(mapped, value), ...(waits && { opens: fields.id as number }) };
}

/** No name of a binding that a guest may use has these: so it cannot name another layer's, or the engine's own. */
const FOREIGN = /[/:]/;

function targetOf(layer: number, target: unknown): string {
  const name = typeof target === "string" && !FOREIGN.test(target) ? target : "";
  return layer === 1 ? name : `${layer}/${name}`;
}

/** Whether a binding can have this name. */
export function isBindingName(name: string): boolean {
  return name !== "" && !FOREIGN.test(name) && !name.startsWith("tenure.");
}

/** Whose binding a call is for. */
export function ownerOf(target: string): { readonly number: number; readonly name: string } {
  const at = target.indexOf("/");
  return at < 0 ? { number: 1, name: target } : { number: Number(target.slice(0, at)), name: target.slice(at + 1) };
}

/** The first delivery to a layer that was entered: the engine's start, with the event that the dispatcher handed on. */
export function startOf(header: StartHeader, layer: number, { asked, event }: Entered, { granted, told }: OpenedLayer): { readonly frame: string; readonly now: number } {
  const { timestamp, instanceId, workflowName, schedule } = event;
  const { now, seed } = header;
  const given = {
    timestamp: timestamp instanceof Date ? timestamp.getTime() : header.event.timestamp,
    instanceId: typeof instanceId === "string" ? instanceId : header.event.instanceId,
    workflowName: typeof workflowName === "string" ? workflowName : header.event.workflowName,
    ...(schedule !== undefined && { schedule }),
  };
  const head = { d: "start", now, seed: layer === 1 ? seed : `${seed}/${layer}`, class: ENTRY_CLASS, event: given, bindings: granted.grants.bindings };
  return { frame: frame(head, encode({ params: { ...asked, ...told }, env: decode(granted.grants.data) })), now };
}
