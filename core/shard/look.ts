/**
 * Looking whether a version of the code keeps to a history.
 *
 * @module
 */
import { TenureError } from "../errors.ts";
import { rehearse } from "../execution/rehearsal.ts";
import type { State } from "../instance/state.ts";
import { isUnavailable, UNOPENED } from "../openings.ts";
import type { Clock } from "../ports/clock.ts";
import type { InstanceKey } from "../ports/store.ts";
import type { Opener } from "./activation.ts";
import type { Outcome, Verdict } from "./requests.ts";
import type { ShardStreams } from "./streams.ts";

/** Leads a version through a history, a copy which it changes; `undefined`: it keeps to it. Rejects when the shard is lost. */
export type Look = (key: InstanceKey, version: string, state: State) => Promise<Outcome | undefined>;

/** What looking takes. */
export interface LookParts {
  readonly clock: Clock;
  readonly opener: Opener;
  readonly streams: ShardStreams;
  /** Queues a turn among those of the tenant's instances. */
  queue(tenant: string, turn: () => void): void;
  /** Aborts when the shard is not ours any more. */
  readonly signal: AbortSignal;
}

/** Makes what looks. */
export function createLook({ clock, opener, streams, queue, signal }: LookParts): Look {
  return async (key, version, state) => {
    const { tenant, workflow, id } = key;
    try {
      const departure = await rehearse({
        clock,
        limits: opener.limits(tenant),
        state,
        signal,
        streams: streams.reader(key, state),
        queue: (turn) => queue(tenant, turn),
        open: async (ready) => ({ workflow, id, className: workflow, ...await opener.open(key, version, ready, signal) }),
      });
      return departure && said({ is: "broken", ...departure });
    } catch (error) {
      if (signal.aborted) throw lost();
      // what else went wrong is the platform's, and may name what a tenant is not to see
      const message = isUnavailable(error) ? error.message : UNOPENED;
      return said({ is: "skipped", code: "code_unavailable", message });
    }
  };
}

/** The outcome of a look. */
export function said(verdict: Verdict): Outcome {
  return { ok: true, verdict };
}

/** What is asked of a shard that is another's. */
export function lost(): TenureError {
  return new TenureError("storage_unavailable", "Cannot take a request: its shard is another engine's");
}
