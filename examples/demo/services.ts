/**
 * The world outside, simulated: what the platform grants to its tenants as `env`. Slow, now and then out of order, and
 * every call leaves a trace in the effect log of another process.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { type BindingCall, type EnvRequest, perCall } from "tenure";
import type { Body } from "./wire.ts";

/** What services need of the platform. */
export interface Outside {
  /** Writes to the effect log; resolves when it is on the disk. */
  effect(what: "begin" | "end" | "failed", body: Body): Promise<void>;
  /** Puts a question to a person. */
  ask(tenant: string, instance: string, open: string[]): void;
}

interface LockedPackage {
  version?: string;
  license?: string;
  link?: boolean;
}

/** The lock file of this very project. */
const lock = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8")) as {
  packages: Record<string, LockedPackage>;
};
const licences = new Map<string, string | null>();
for (const [path, { version, license, link }] of Object.entries(lock.packages)) {
  const name = path.split("node_modules/").at(-1);
  if (path.startsWith("node_modules/") && !link) licences.set(`${name}@${version}`, license ?? null);
}

/** Grants to a run what its tenant's plan holds. */
export function grants({ tenantId: tenant, instanceId: instance }: EnvRequest, outside: Outside): Record<string, unknown> {
  /** Does something that takes a while. */
  async function serve<T>({ step, attempt, signal }: BindingCall, ms: number, work: () => T): Promise<T> {
    const body = { tenant, instance, step: step ?? "", attempt };
    await outside.effect("begin", body);
    let result: T;
    try {
      await pause(ms, undefined, { signal });
      result = work();
    } catch (error) {
      await outside.effect("failed", body);
      throw error;
    }
    await outside.effect("end", body);
    return result;
  }

  if (tenant === "acme") {
    return {
      LOCKFILE: perCall((call) => ({
        packages: () => serve(call, 200, () => [...licences.keys()].map(splitVersion)),
      })),
      REGISTRY: perCall((call) => ({
        licence: ({ name, version }: { name: string; version: string }) =>
          serve(call, 60 + chance(name) * 200, () => {
            if (call.attempt === 1 && chance(version + name) < 0.1) throw new Error("503 Service Unavailable");
            return licences.get(`${name}@${version}`) ?? null;
          }),
      })),
      REVIEW: perCall((call) => ({
        ask: ({ findings }: { findings: { name: string; version: string; licence: string | null }[] }) =>
          serve(call, 100, () => {
            outside.ask(tenant, instance, findings.map((f) => `${f.name}@${f.version}: ${f.licence ?? "no licence"}`));
          }),
      })),
      REPORTS: perCall((call) => ({
        publish: ({ project }: { project: string }) => serve(call, 200, () => `reports/${project}`),
      })),
    };
  }
  return {
    CRM: perCall((call) => ({
      open: (customer: string) => serve(call, 300, () => `account-of-${customer}`),
      note: () => serve(call, 150, () => undefined),
    })),
    CLOUD: perCall((call) => ({
      provision: (account: string, seats: number) => serve(call, 300 + seats * 10, () => `${account}.example.com`),
    })),
    AI: perCall((call) => ({
      write: (prompt: string) => serve(call, 500, () => `(a letter: "${prompt}")`),
    })),
    MAIL: perCall((call) => ({
      send: ({ to }: { to: string }) =>
        serve(call, 250, () => {
          if (call.attempt === 1) throw new Error("421 Try again later");
          return `mail-to-${to}`;
        }),
    })),
  };
}

function splitVersion(text: string): { name: string; version: string } {
  const at = text.lastIndexOf("@");
  return { name: text.slice(0, at), version: text.slice(at + 1) };
}

/** From 0 to 1, the same for the same text: a simulated world that can be looked at twice. */
function chance(text: string): number {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return ((hash ^ (hash >>> 15)) >>> 0) % 1000 / 1000;
}
