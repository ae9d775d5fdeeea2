/**
 * What the two processes of the demonstration say to each other: one JSON object a line, over the standard streams.
 *
 * @module
 */

/** A body: one attempt at one step of one instance. */
export interface Body {
  tenant: string;
  instance: string;
  step: string;
  attempt: number;
}

/** What the platform says. */
export type FromPlatform =
  /** A body begins, ends or fails. It goes on when this is on the disk of the other process. */
  | { say: "effect"; id: number; what: "begin" | "end" | "failed"; body: Body }
  /** The public API shows these steps as done: that is durable. */
  | { say: "recorded"; tenant: string; instance: string; steps: string[] }
  /** A tenant asks a person. */
  | { say: "question"; tenant: string; instance: string; open: string[] }
  /** All instances are done. */
  | { say: "done"; outputs: Record<string, unknown> };

/** What it is told. */
export type ToPlatform =
  /** The effect of this id is on the disk. */
  | { tell: "written"; id: number }
  /** The person's answer. */
  | { tell: "decide"; tenant: string; instance: string; approved: boolean; by: string };

/** The part of a stream that {@linkcode readLines} needs. */
interface TextStream {
  setEncoding(encoding: "utf8"): unknown;
  on(event: "data", listener: (text: string) => void): unknown;
}

/** Calls `heard` with each whole line. What a killed process left of a line is nobody's. */
export function readLines<Message>(stream: TextStream, heard: (message: Message) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) heard(JSON.parse(line) as Message);
  });
}
