/// <reference path="../../../examples/tenants/cloudflare_workers.d.ts" />
/**
 * A tenant's workflow that does what its params say, and reports what its bodies do to the effect log.
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

type Plan = (
  | { do: string; ms: number; fails: number }
  | { sleep: string; ms: number }
  | { wait: string; type: string }
  | { all: Plan[] }
)[];

/** What the run was told, by name. */
type Seen = Record<string, unknown>;

interface Env {
  EFFECTS: {
    begin(saw: Seen): Promise<void>;
    work(ms: number): Promise<void>;
    failed(saw: Seen): Promise<void>;
    end(saw: Seen, value: string): Promise<void>;
  };
}

const RETRY = { retries: { limit: 5, delay: 30, backoff: "constant" as const }, timeout: "1 minute" as const };

export class Work extends WorkflowEntrypoint<Env, { plan: Plan }> {
  async run(event: WorkflowEvent<{ plan: Plan }>, step: WorkflowStep): Promise<Seen> {
    const seen: Seen = {};
    await this.follow(event.payload.plan as Plan, step, seen);
    return seen;
  }

  private async follow(plan: Plan, step: WorkflowStep, seen: Seen): Promise<void> {
    for (const node of plan) {
      if ("all" in node) {
        await Promise.all(node.all.map((branch) => this.follow(branch, step, seen)));
      } else if ("sleep" in node) {
        await step.sleep(node.sleep, node.ms);
        seen[node.sleep] = "slept";
      } else if ("wait" in node) {
        const { payload } = await step.waitForEvent(node.wait, { type: node.type, timeout: "1 hour" });
        seen[node.wait] = payload;
      } else {
        seen[node.do] = await this.body(node, step, seen);
      }
    }
  }

  private body(node: { do: string; ms: number; fails: number }, step: WorkflowStep, seen: Seen): Promise<string> {
    const { EFFECTS } = this.env;
    return step.do(node.do, RETRY, async ({ attempt }) => {
      // Whatever the run has been told when a body acts, the world may learn of it here: so it has to be durable.
      await EFFECTS.begin({ ...seen });
      await EFFECTS.work(node.ms);
      if (attempt <= node.fails) {
        await EFFECTS.failed({ ...seen });
        throw new Error("as planned");
      }
      const value = `${node.do} ${attempt} ${crypto.randomUUID()}`;
      await EFFECTS.end({ ...seen }, value);
      return value;
    });
  }
}
