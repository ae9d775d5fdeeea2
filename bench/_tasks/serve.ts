/**
 * A process that holds one engine and measures it when asked to: so the engines of a comparison take turns within
 * seconds, each warm and with a heap of its own.
 *
 * @module
 */
import process from "node:process";
import { type EngineName, openEngine } from "../_engines/all.ts";
import { checkOutput, type Engine } from "../_engines/engine.ts";
import { type Busy, type BusyOptions, measureBusy } from "./busy.ts";
import { type Lone, measureLone, openSingle } from "./lone.ts";

/** What can be asked of it. */
export type Question =
  | { readonly verb: "busy"; readonly options: BusyOptions }
  | { readonly verb: "lone"; readonly flip: boolean }
  | { readonly verb: "close" };

/** What it answers. */
export type Answer = { readonly busy: Busy } | { readonly lone: Lone } | { readonly closed: true };

const [name = "", folder = ""] = process.argv.slice(2);
const engine = await openEngine(name as EngineName, folder);
const counted = { runs: 0, steps: 0 };
const checked: Pick<Engine, "run"> = {
  async run(steps) {
    const output = await engine.run(steps);
    checkOutput(output, steps);
    counted.runs++;
    counted.steps += steps;
    return output;
  },
};
const single = await openSingle(folder);

process.on("message", (question: Question) => {
  answer(question).then((found) => {
    process.send?.(found);
    if (question.verb === "close") process.disconnect();
  }, (error) => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exit(1);
  });
});

// who asked has gone, perhaps killed: nobody will close this
process.on("disconnect", () => process.exit());

async function answer(question: Question): Promise<Answer> {
  switch (question.verb) {
    case "busy":
      return { busy: await measureBusy(checked, question.options) };
    case "lone":
      return { lone: await measureLone(checked, { single, flip: question.flip }) };
    case "close":
      await engine.close();
      await single.close();
      checkRecorded();
      return { closed: true };
  }
}

/** What was counted has to be in the file, no more and no less. */
function checkRecorded(): void {
  const found = engine.recorded();
  if (found.runs === counted.runs && found.steps === counted.steps) return;
  throw new Error(`Cannot trust the figures of ${name}: counted ${JSON.stringify(counted)}, recorded ${JSON.stringify(found)}`);
}
