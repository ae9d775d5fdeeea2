/**
 * What of a journal's values people are shown.
 *
 * @module
 */
import type { StepConfig } from "../ports/guest.ts";
import { describeStream, type StoredStream } from "../stream.ts";
import { decode } from "../values.ts";

/** What stands in place of a value that is not shown: Cloudflare's. */
export const REDACTED = "[REDACTED]";

/** The output of a step with this config, as people are shown it. The step itself, and whatever replays it, gets the value. */
export function shownOutput(config: StepConfig | undefined, value: string | undefined, stream?: StoredStream): unknown {
  if (config?.sensitive === "output") return REDACTED;
  return stream !== undefined ? describeStream(stream) : value === undefined ? undefined : decode(value);
}
