/**
 * A process that measures one thing, given as JSON in its first argument, and reports it as one line of JSON.
 *
 * @module
 */
import process from "node:process";
import { type ChildrenTask, measureChildren } from "./children.ts";
import { type CommitsTask, measureCommits } from "./commits.ts";
import { type CpuTask, measureCpu } from "./cpu.ts";
import { type FloodTask, measureFlood } from "./flood.ts";
import { type HerdTask, measureHerd } from "./herd.ts";
import { type HistoryTask, measureHistory } from "./history.ts";
import { measureSchedules, type SchedulesTask } from "./schedules.ts";
import { measureSweep, type SweepTask } from "./sweep.ts";

/** All that can be asked for. */
export type Task = CpuTask | ChildrenTask | CommitsTask | HistoryTask | HerdTask | FloodTask | SchedulesTask | SweepTask;

const report = await perform(JSON.parse(process.argv[2] ?? "") as Task);
process.stdout.write(`\n${JSON.stringify(report)}\n`);

function perform(task: Task): Promise<unknown> {
  switch (task.task) {
    case "cpu":
      return measureCpu(task);
    case "commits":
      return measureCommits(task);
    case "herd":
      return measureHerd(task);
    case "flood":
      return measureFlood(task);
    case "schedules":
      return measureSchedules(task);
    case "children":
      return measureChildren(task);
    case "sweep":
      return measureSweep(task);
    case "history":
      return measureHistory(task);
  }
}
