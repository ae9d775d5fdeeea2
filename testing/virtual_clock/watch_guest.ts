/**
 * A guest whose real work a virtual clock knows of: code of the host's realm may wait for a file, a socket or a timer
 * that is none of the engine's.
 *
 * @module
 */
import { parseFrame } from "../../core/frame.ts";
import type { Command, Delivery, Guest, Turn } from "../../core/ports/guest.ts";
import type { Hold } from "./watch.ts";

/** A guest that holds while a turn is under way, and while its code waits for something that the engine does not know. */
export function watchGuest(guest: Guest, hold: Hold): Guest {
  /** What runs: the run (0) and bodies, by id, and how many commands of each the engine has not settled. */
  const running = new Map<number, number>();
  /** By command: who issued it. */
  const owners = new Map<number, number>();
  let release: (() => void) | undefined;
  let leave = (): void => {};
  const gone = new Promise<void>((done) => leave = done);

  function delivered(frame: string): void {
    const delivery = parseFrame(frame)?.header as Delivery | undefined;
    if (delivery?.d === "start") running.set(0, 0);
    if (delivery?.d === "body" || delivery?.d === "delay") running.set(delivery.id, 0);
    if (delivery?.d === "settle") settled(owners.get(delivery.id));
  }

  function settled(owner: number | undefined): void {
    const open = owner === undefined ? undefined : running.get(owner);
    if (owner !== undefined && open !== undefined) running.set(owner, open - 1);
  }

  function issued(frame: string): void {
    const command = parseFrame(frame)?.header as Command | undefined;
    if (command === undefined || command.c === "log") return;
    switch (command.c) {
      case "done":
      case "delay":
        return void running.delete(command.id);
      case "end":
        return void running.delete(0);
      default:
        owners.set(command.id, command.in);
        running.set(command.in, (running.get(command.in) ?? 0) + 1);
    }
  }

  function turned(turn: Turn): Turn {
    for (const frame of turn.out) issued(frame);
    const works = turn.state === "io" && [...running.values()].includes(0);
    if (!works) rest();
    else if (release === undefined) void hold(new Promise<void>((done) => release = done));
    return turn;
  }

  function rest(): void {
    release?.();
    release = undefined;
  }

  return {
    turn(frame, time) {
      if (frame !== "") delivered(frame);
      const turn = guest.turn(frame, time);
      if (!(turn instanceof Promise)) return turned(turn);
      void hold(Promise.race([turn, gone])).catch(() => {});
      return turn.then(turned);
    },
    drop() {
      rest();
      leave();
      guest.drop();
    },
  };
}
