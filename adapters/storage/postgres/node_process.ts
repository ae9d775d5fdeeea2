/**
 * Whether the process that an owner was is still there, where that can be known: on one machine, of Linux.
 *
 * Guarantee: a process is called dead only when the very kernel and the very process namespace that it said it lives in
 * are ours, and there is no process of its number there that was started when it was. A container sees only its own, so
 * of another one's nothing is said. Elsewhere nothing is ever called dead: then the lease decides.
 *
 * @module
 */

/** Processes of one machine. */
export interface Processes {
  /** What this one is called: to be kept beside what it owns. */
  readonly me: string;
  /** Whether the one that was called so was on this machine, and is no more. */
  isDead(called: string): boolean;
}

/**
 * Says what can be known of the processes here.
 *
 * @param machine what this machine is called, in place of what Linux says: only processes of one name judge each other
 */
export async function localProcesses(machine: string | undefined): Promise<Processes | undefined> {
  try {
    const { readFileSync, readlinkSync } = await import("node:fs");
    const { default: process } = await import("node:process");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const here = JSON.stringify([machine ?? "", boot, readlinkSync("/proc/self/ns/pid")]);
    /** When it was started, in ticks since the boot; `null`: there is none, or it is dead and not yet buried. */
    const started = (pid: number): string | null => {
      let stat: string;
      try {
        stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      } catch (error) {
        if ((error as { code?: unknown }).code === "ENOENT" || (error as { code?: unknown }).code === "ESRCH") return null;
        throw error;
      }
      // its name is in brackets and may hold anything
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" || fields[0] === "X" ? null : fields[19] ?? "";
    };
    const mine = started(process.pid);
    // another process's namespace is mounted there: what it says of numbers is not about ours
    if (mine === null || readlinkSync("/proc/self") !== String(process.pid)) return undefined;
    return {
      me: JSON.stringify([here, process.pid, mine]),
      isDead(called) {
        try {
          const [where, pid, start] = JSON.parse(called) as [string, number, string];
          return where === here && Number.isSafeInteger(pid) && started(pid) !== start;
        } catch {
          return false;
        }
      },
    };
  } catch {
    return undefined;
  }
}
