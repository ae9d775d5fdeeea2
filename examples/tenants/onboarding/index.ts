/**
 * Welcomes a new customer: an agent that sets things up, writes a letter, lets some time pass and follows up.
 *
 * A tenant's code, as it would run on Cloudflare Workflows: one module, steps in a row and side by side, sleeps that
 * hold nothing in memory, retries.
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

/** What the platform grants. */
interface Env {
  CRM: { open(customer: string): Promise<string>; note(account: string, text: string): Promise<void> };
  CLOUD: { provision(account: string, seats: number): Promise<string> };
  AI: { write(prompt: string): Promise<string> };
  MAIL: { send(mail: { to: string; text: string }): Promise<string> };
}

/** Params of a customer. */
interface Params {
  customer: string;
  seats: number;
}

/** What a welcome came to. */
interface Welcome {
  account: string;
  workspace: string;
  mails: string[];
}

export class Onboarding extends WorkflowEntrypoint<Env, Params> {
  async run(event: WorkflowEvent<Params>, step: WorkflowStep): Promise<Welcome> {
    const { customer, seats } = event.payload;
    const { AI, CLOUD, CRM, MAIL } = this.env;

    const account = await step.do("open an account", () => CRM.open(customer));
    const [workspace, letter] = await Promise.all([
      step.do("provision a workspace", () => CLOUD.provision(account, seats)),
      step.do("write a letter", () => AI.write(`Welcome ${customer} in one sentence`)),
    ]);
    const patiently = { retries: { limit: 4, delay: 300, backoff: "constant" as const } };
    const first = await step.do("send the letter", patiently, () => MAIL.send({ to: customer, text: letter }));

    await step.sleep("let them look around", "2 seconds");

    const question = await step.do("write a question", () => AI.write(`Ask ${customer} how it goes`));
    const second = await step.do("send the question", patiently, () => MAIL.send({ to: customer, text: question }));
    await step.do("note it down", () => CRM.note(account, "welcomed"));
    return { account, workspace, mails: [first, second] };
  }
}
