/**
 * Looks at the file system to say in words why a database file cannot be opened.
 *
 * @module
 */

/** Why `path` cannot be opened as a file that is read and written, or `null` when nothing is wrong with it. */
export async function whyNot(path: string): Promise<string | null> {
  try {
    const { accessSync, constants, statSync } = await import("node:fs");
    const { dirname, resolve } = await import("node:path");
    const folder = dirname(resolve(path));
    const above = statSync(folder, { throwIfNoEntry: false });
    if (above === undefined) return "its folder does not exist";
    if (!above.isDirectory()) return "its folder is a file";
    const file = statSync(path, { throwIfNoEntry: false });
    if (file?.isDirectory()) return "it is a folder";
    if (!may(() => accessSync(folder, constants.W_OK))) return "its folder is read-only";
    if (file !== undefined && !may(() => accessSync(path, constants.R_OK | constants.W_OK))) return "it is read-only";
    return null;
  } catch (error) {
    // A path that runs through a file; some runtimes throw here where others answer `undefined`.
    return (error as { code?: unknown }).code === "ENOTDIR" ? "its folder is a file" : null;
  }
}

function may(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
