/** A Redis for machines of Debian's family that have none: from the distribution's packages, unpacked here and installed nowhere. */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** The server's program and what it needs beside a bare system. */
const PACKAGES = ["redis-tools", "libatomic1", "libjemalloc2", "liblzf1", "libssl3", "libsystemd0"];

/** How to start it. */
export interface Redis {
  readonly program: string;
  /** The program is several in one, by the name that it is called by. */
  readonly argv0: string;
  /** Where its libraries are, for `LD_LIBRARY_PATH`. */
  readonly libraries: string;
}

/** Unpacks it into a folder, unless it is there; `undefined` where that cannot be done. */
export function unpackRedis(folder: string): Redis | undefined {
  const program = join(folder, "usr", "bin", "redis-check-rdb");
  if (!existsSync(program)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const run = (command: string, ...args: string[]): boolean => spawnSync(command, args, { cwd: folder, stdio: "ignore" }).status === 0;
    if (!run("apt-get", "download", ...PACKAGES)) return undefined;
    for (const file of globSync("*.deb", { cwd: folder })) if (!run("dpkg-deb", "--extract", file, ".")) return undefined;
  }
  const libraries = [...globSync("usr/lib/*-linux-gnu*", { cwd: folder }), ...globSync("lib/*-linux-gnu*", { cwd: folder })];
  return { program, argv0: "redis-server", libraries: libraries.map((library) => join(folder, library)).join(":") };
}
