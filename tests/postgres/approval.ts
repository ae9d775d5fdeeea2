import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "../../mod.ts";

/** Says which process ran its first step, waits for an answer, and says which ran its last one. */
export class Approval extends WorkflowEntrypoint<unknown, string> {
  /** What is to be asked. */
  async run(event: WorkflowEvent<string>, step: WorkflowStep): Promise<{ asked: string; pids: number[] }> {
    const asked = await step.do("ask", () => Promise.resolve(`may I ${event.payload}?`));
    const first = await step.do("first", () => Promise.resolve(pid()));
    await step.waitForEvent("answer", { type: "answer", timeout: "1 hour" });
    await step.sleep("a moment", 10);
    return { asked, pids: [first, await step.do("last", () => Promise.resolve(pid()))] };
  }
}

function pid(): number {
  return (globalThis as unknown as { process: { pid: number } }).process.pid;
}
