/**
 * What a run says: shown once, up to a limit.
 *
 * @module
 */
import { byteLength } from "../utf8.ts";
import type { Desk, LogLine } from "./desk.ts";

/** Takes a line; one of a turn that is replayed was shown before and counts only. */
export type Logs = (line: LogLine, replayed: boolean) => void;

/**
 * Makes the log of one execution. Since replay meets again what the run has said, its count begins at no wake anew;
 * what bodies say, which do not run again, does.
 */
export function createLogs(desk: Desk): Logs {
  const { logBytes } = desk.limits;
  let bytes = 0;
  let told = false;
  return (line, replayed) => {
    // the line break: empty lines are lines, too
    bytes += byteLength(line.text) + 1;
    if (bytes <= logBytes) return replayed ? undefined : desk.log(line);
    if (!told && !replayed) desk.log({ level: "warn", text: `The limit of ${logBytes} bytes of logs has been reached`, step: line.step });
    told = true;
  };
}
