/** What the cluster runs: an order, which notes which process did what. */
import process from "node:process";
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "tenure";

/** What came of an order. */
export interface Receipt {
  readonly sku: number;
  /** Processes that ran its steps, in order. */
  readonly by: readonly number[];
}

/** Reserves, waits for the payment, ships. */
export class Order extends WorkflowEntrypoint<unknown, { sku: number }> {
  /** One run. */
  async run({ payload }: WorkflowEvent<{ sku: number }>, step: WorkflowStep): Promise<Receipt> {
    const reserved = await step.do("reserve", () => Promise.resolve(process.pid));
    await step.waitForEvent("payment", { type: "paid", timeout: "1 hour" });
    const packed = await step.do("pack", () => Promise.resolve(process.pid));
    await step.sleep("until the van comes", 500);
    const shipped = await step.do("ship", () => Promise.resolve(process.pid));
    return { sku: payload.sku, by: [reserved, packed, shipped] };
  }
}
