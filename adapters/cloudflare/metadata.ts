/**
 * The metadata of an event: known to whoever runs the dispatcher's class, and no property of the event, so that no
 * params can look like it.
 *
 * @module
 */
import { decode } from "../../core/values.ts";

const metadataByEvent = new WeakMap<object, string>();

/** Says what was noted of the instance whose run this event begins. */
export function noteMetadata(event: object, encoded: string): void {
  metadataByEvent.set(event, encoded);
}

/** What was noted: a copy for each who asks; `undefined` when there is nothing. */
export function metadataOf(event: object): Record<string, unknown> | undefined {
  const encoded = metadataByEvent.get(event);
  return encoded === undefined ? undefined : decode(encoded) as Record<string, unknown>;
}
