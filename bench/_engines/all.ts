/**
 * The engines by name.
 *
 * @module
 */
import type { Engine } from "./engine.ts";
import type { GuestKind } from "./tenure.ts";

/** Embedded engines of others. */
export type PeerName = "rivet" | "openworkflow";
/** Loops without an engine. */
export type IdealName = "ideal-port" | "ideal-raw";
/** What can be opened. */
export type EngineName = GuestKind | PeerName | IdealName;

/** Our own, by the kind of guest. */
export const GUESTS: readonly GuestKind[] = ["registered", "trusted", "runAhead", "quickjs"];
/** Those of them that are compared with others: `trusted` runs as `registered` does, but for where its code comes from. */
export const COMPARED: readonly GuestKind[] = ["registered", "runAhead", "quickjs"];
/** Those that reach the outside only through us, or promise not to act between steps: a step of theirs is one commit. */
export const MEDIATED: readonly GuestKind[] = ["runAhead", "quickjs"];
/** Embedded engines of others. */
export const PEERS: readonly PeerName[] = ["rivet", "openworkflow"];
/** Loops without an engine. */
export const IDEALS: readonly IdealName[] = ["ideal-port", "ideal-raw"];

/** Opens one over a new store in `folder`; only its own code is loaded. */
export async function openEngine(name: EngineName, folder: string): Promise<Engine> {
  switch (name) {
    case "rivet":
      return (await import("./rivet.ts")).openRivet({ folder });
    case "openworkflow":
      return (await import("./openworkflow.ts")).openWorkflow({ folder });
    case "ideal-port":
      return (await import("./ideal.ts")).openIdealPort({ folder });
    case "ideal-raw":
      return (await import("./ideal.ts")).openIdealRaw({ folder });
    default:
      return (await import("./tenure.ts")).openTenure({ folder, guest: name });
  }
}
