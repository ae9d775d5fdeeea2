/**
 * What is asked for from outside: events, pause and resume, termination; and what the engine says of a death.
 *
 * @module
 */
import { type EventReceived, type Interrupted, type Paused, record } from "../records.ts";
import { isBusy, isEnded, type State } from "../state.ts";
import { type Facts, NOTHING, type Records, timeOf } from "./common.ts";

/** An event for the instance. Not asked for an ended one. A known id does nothing. */
export function eventReceived(
  state: State,
  event: { readonly type: string; readonly payload: string; readonly id: string | undefined; readonly at: number },
  facts: Facts,
): Records {
  if (event.id !== undefined && state.eventIds.has(event.id)) return NOTHING;
  const t = timeOf(state, facts.now);
  const head: { -readonly [K in keyof EventReceived]: EventReceived[K] } = { k: "event", t, type: event.type };
  if (event.at < t) head.at = event.at;
  if (event.id !== undefined) head.id = event.id;
  return [record(head, event.payload)];
}

/** A pause is asked for: from a running or waiting instance; else nothing. */
export function pauseRequested(state: State, facts: Facts): Records {
  if (state.phase !== "active") return NOTHING;
  const t = timeOf(state, facts.now);
  const asked = record({ k: "pause_requested", t });
  return isBusy(state) ? [asked] : [asked, record({ k: "paused", t })];
}

/** The last body of a pausing instance has ended. */
export function pauseReached(state: State, facts: Facts): Records {
  return state.phase === "pausing" && !isBusy(state)
    ? [record({ k: "paused", t: timeOf(state, facts.now) })]
    : NOTHING;
}

/** It goes on: from a pause, from one being reached, from parking; else nothing. */
export function resumed(state: State, facts: Facts): Records {
  return state.phase === "pausing" || state.phase === "paused"
    ? [record({ k: "resumed", t: timeOf(state, facts.now) })]
    : NOTHING;
}

/** The end from outside. Not asked for an ended one. */
export function terminated(state: State, facts: Facts): Records {
  return [record({ k: "terminated", t: timeOf(state, facts.now) })];
}

/** The engine parks it: it runs no new body, loses nothing, and `resume()` tries again. */
export function parked(
  state: State,
  code: NonNullable<Paused["code"]>,
  message: string,
  facts: Facts,
  sides?: Pick<Paused, "expected" | "found">,
): Records {
  return state.phase === "active" || state.phase === "pausing" || state.phase === "rollingBack"
    ? [record({ k: "paused", t: timeOf(state, facts.now), code, message, ...sides })]
    : NOTHING;
}

/** Where code and history part ways, both sides as a person names them. */
export interface Parting {
  /** What the history holds. */
  readonly expected: string;
  /** What the code did: a command, {@linkcode THE_END}, or nothing (`null`). */
  readonly found: string | null;
}

/** The run came to its end. */
export const THE_END = "the end of the run";

/** The code is not what wrote the history: parked with both sides named. */
export function diverged(state: State, { expected, found }: Parting, facts: Facts): Records {
  const where = found === null
    ? `its history holds ${expected}, which the code did not issue`
    : `the code ${found === THE_END ? "came to" : "issued"} ${found} where its history holds ${expected}`;
  return parked(state, "nondeterministic", `Code and history part ways: ${where}`, facts, { expected, ...(found !== null && { found }) });
}

/** It goes on in another version, which was seen to keep to its history. Not asked for an ended one, nor while anything runs. */
export function upgraded(state: State, version: string, facts: Facts): Records {
  return [record({ k: "upgraded", t: timeOf(state, facts.now), version })];
}

/**
 * What ran was cut off: a pause that waited for it is reached. After more crashes without progress than the limit, the
 * instance is parked (I23).
 */
export function interrupted(state: State, why: Interrupted["why"], facts: Facts): Records {
  if (isEnded(state)) return NOTHING;
  const t = timeOf(state, facts.now);
  const cut = record({ k: "interrupted", t, why });
  if (why !== "crash" || state.crashes + 1 <= facts.limits.crashes) {
    return state.phase === "pausing" ? [cut, record({ k: "paused", t })] : [cut];
  }
  return [cut, record({ k: "paused", t, code: "crash_limit", message: `${state.crashes + 1} crashes without progress` })];
}
