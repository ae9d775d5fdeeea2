/** What an audit found out about one package. */
export interface Finding {
  name: string;
  version: string;
  /** An SPDX expression, or `null` when the package names none. */
  licence: string | null;
  allowed: boolean;
}

/** The result of an audit. */
export interface Report {
  project: string;
  packages: number;
  /** Packages by licence, most first. */
  licences: [licence: string, packages: number][];
  /** What the policy does not allow. */
  exceptions: { name: string; version: string; licence: string }[];
  verdict: "passed" | "rejected";
  decidedBy: string;
}

/** Makes the report: pure, so it needs no step. */
export function summarise(project: string, findings: Finding[], decision: { approved: boolean; by: string }): Report {
  const counts = new Map<string, number>();
  for (const { licence } of findings) counts.set(licence ?? "none", (counts.get(licence ?? "none") ?? 0) + 1);
  return {
    project,
    packages: findings.length,
    licences: [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)),
    exceptions: findings.filter(({ allowed }) => !allowed)
      .map(({ name, version, licence }) => ({ name, version, licence: licence ?? "none" }))
      .sort((a, b) => a.name < b.name ? -1 : 1),
    verdict: decision.approved ? "passed" : "rejected",
    decidedBy: decision.by,
  };
}
