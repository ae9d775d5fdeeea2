/**
 * A guest whose run is traced.
 *
 * @module
 */
import { parseFrame } from "../../core/frame.ts";
import type { Death, Guest, Turn } from "../../core/ports/guest.ts";
import { decode } from "../../core/values.ts";
import type { Trace, TraceOutcome } from "./traces.ts";

/** How a trace says why a guest has died. */
export const OUTCOMES: Readonly<Partial<Record<Death["code"], TraceOutcome>>> = { cpu_limit: "exceededCpu", memory_limit: "exceededMemory", evicted: "canceled" };

/** The same guest; its trace ends with it. A run that rests is over, too: when it goes on it is another one. */
export function tracedGuest(guest: Guest, trace: Trace): Guest {
  function seen(turn: Turn): Turn {
    for (const text of turn.out) {
      if (!text.startsWith('{"c":"end"')) continue;
      const { header, value } = parseFrame(text) ?? {};
      if ((header as { ok?: unknown } | undefined)?.ok === true) trace.end("ok");
      else trace.end("exception", { error: errorOf(value) });
    }
    if (turn.state === "dead") trace.end(OUTCOMES[turn.death?.code ?? "guest_failed"] ?? "exception", { error: new Error(turn.death?.message ?? "The sandbox failed") });
    return turn;
  }
  return {
    ...guest,
    turn(frame, time) {
      const turn = guest.turn(frame, time);
      return turn instanceof Promise ? turn.then(seen) : seen(turn);
    },
    drop() {
      guest.drop();
      trace.end("ok");
    },
  };
}

function errorOf(value: string | undefined): unknown {
  try {
    return value === undefined ? undefined : decode(value);
  } catch {
    return undefined;
  }
}
