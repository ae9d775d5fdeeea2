/**
 * Audits the licences of a project: asks a registry about every package, lets a person decide on what its policy does
 * not allow, and writes a report.
 *
 * A tenant's code, as it would run on Cloudflare Workflows. Every `step` is durable: however often the process below
 * dies, what a step has found is kept, and only what was running is run again.
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { type Finding, type Report, summarise } from "./report.ts";
import { isAllowed } from "./spdx.ts";

/** One package of a lock file. */
interface Package {
  name: string;
  version: string;
}

/** What the platform grants. */
interface Env {
  LOCKFILE: { packages(project: string): Promise<Package[]> };
  REGISTRY: { licence(of: Package): Promise<string | null> };
  REVIEW: { ask(question: { project: string; findings: Finding[] }): Promise<void> };
  REPORTS: { publish(report: Report): Promise<string> };
}

/** Params of an audit. */
interface Params {
  project: string;
  /** SPDX ids that need no decision. */
  allowed: string[];
}

/** What the reviewer answers. */
interface Decision {
  approved: boolean;
  by: string;
}

const AT_ONCE = 8;

export class LicenceAudit extends WorkflowEntrypoint<Env, Params> {
  async run(event: WorkflowEvent<Params>, step: WorkflowStep): Promise<Report> {
    const { project, allowed } = event.payload;
    const packages = await step.do("read the lock file", () => this.env.LOCKFILE.packages(project));

    const queue = packages.values();
    const findings: Finding[] = [];
    const lane = async (): Promise<void> => {
      for (const { name, version } of queue) {
        const licence = await step.do(
          `${name}@${version}`,
          { retries: { limit: 5, delay: 200, backoff: "exponential" }, timeout: "10 seconds" },
          () => this.env.REGISTRY.licence({ name, version }),
        );
        findings.push({ name, version, licence, allowed: isAllowed(licence, allowed) });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));

    const open = findings.filter((finding) => !finding.allowed);
    let decision: Decision = { approved: true, by: "the policy" };
    if (open.length > 0) {
      await step.do("ask for a decision", () => this.env.REVIEW.ask({ project, findings: open }));
      const answer = await step.waitForEvent<Decision>("wait for the decision", { type: "decision", timeout: "7 days" });
      decision = answer.payload;
    }

    const report = summarise(project, findings, decision);
    await step.do("publish the report", () => this.env.REPORTS.publish(report));
    return report;
  }
}
