/** Packages that only `npm run test:storage` installs, into the folder of the suite that asks for them. */
import { readFileSync } from "node:fs";

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

/**
 * Imports a module of a package that the package.json beside `from` pins: Node and Bun find it from there, Deno gets it
 * by that version.
 *
 * @param bring `(name) => import(name)` of the file that asks
 */
export async function load<T>(from: string, specifier: string, bring: (name: string) => Promise<unknown>): Promise<T> {
  if (!("Deno" in globalThis)) return await bring(specifier) as T;
  const { dependencies } = JSON.parse(readFileSync(new URL("./package.json", from), "utf8")) as Manifest;
  const name = specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  return await bring(`npm:${name}@${dependencies[name]}${specifier.slice(name.length)}`) as T;
}
