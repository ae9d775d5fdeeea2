/**
 * What a user gets: builds, packs, installs the tarball into an empty folder, and runs the README's example
 * and an import of every subpath from there on every runtime.
 *
 *     npm run test:pack
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Command, execute, type Execution, npm } from "../_runner/execute.ts";
import { runtimes } from "../_runner/runtimes.ts";
import { missingLine, readExample, type ReadmeExample } from "./readme.ts";

const TIMEOUT = 180_000;
/** All that a tarball may hold. */
const PUBLISHED = /^(dist\/.+\.(js|js\.map|d\.ts)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;

interface Manifest {
  name: string;
  exports: Record<string, string | Record<string, string>>;
}

let passed = 0, failed = 0;
const folder = mkdtempSync(join(tmpdir(), "tenure-pack-"));
try {
  await testPackage();
} catch (error) {
  report("package", String(error));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function testPackage(): Promise<void> {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
  const example = readExample(readFileSync("README.md", "utf8"));
  await must("build", npm("run", "build"));
  const packed = await must("pack", npm("pack", "--json", "--pack-destination", folder));
  const tarball = readPacked(packed.stdout);
  report("content of the package", contentFault(manifest, tarball.files));

  const consumer = join(folder, "consumer");
  mkdirSync(consumer);
  writeFileSync(join(consumer, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await must("install", npm("install", "--no-audit", "--no-fund", join(folder, tarball.filename)), consumer);
  for (const runtime of runtimes) {
    // A folder each: the example may leave files.
    const cwd = join(consumer, runtime.id);
    mkdirSync(cwd);
    writeFileSync(join(cwd, "example.ts"), example.source);
    writeFileSync(join(cwd, "subpaths.ts"), importAll(manifest));
    report(`example on ${runtime.name}`, exampleFault(await execute(runtime.run("example.ts"), { cwd, timeout: TIMEOUT }), example));
    report(`subpaths on ${runtime.name}`, fault(await execute(runtime.run("subpaths.ts"), { cwd, timeout: TIMEOUT })));
  }
  report("types of the example", fault(await execute(typeCheck("example.ts"), { cwd: join(consumer, runtimes[0]!.id), timeout: TIMEOUT })));
}

/** What has to work before anything else can be tested. */
async function must(name: string, command: Command, cwd?: string): Promise<Execution> {
  const execution = await execute(command, { timeout: TIMEOUT, ...(cwd === undefined ? {} : { cwd }) });
  if (execution.code !== 0) throw new Error(`${name}: ${fault(execution)}`);
  return execution;
}

/** Scripts that npm runs may print before the JSON. */
function readPacked(stdout: string): { filename: string; files: string[] } {
  const parsed: unknown = JSON.parse(stdout.slice(stdout.search(/^[[{]\s*$/m)));
  const [entry] = Object.values(parsed as Record<string, { filename: string; files: { path: string }[] }>);
  if (!entry) throw new Error("Cannot read what npm packed: it lists no package");
  return { filename: entry.filename, files: entry.files.map(({ path }) => path) };
}

function contentFault({ exports }: Manifest, files: string[]): string | undefined {
  const strangers = files.filter((file) => !PUBLISHED.test(file));
  if (strangers.length > 0) return `not to be published: ${strangers.join(", ")}`;
  const targets = Object.values(exports).flatMap((target) => typeof target === "string" ? [target] : [target.types!, target.default!]);
  const missing = [...targets, "./README.md", "./LICENSE", "./CHANGELOG.md"].filter((target) => !files.includes(target.slice(2)));
  return missing.length > 0 ? `missing: ${missing.join(", ")}` : undefined;
}

function importAll({ name, exports }: Manifest): string {
  const subpaths = Object.keys(exports).filter((subpath) => !subpath.endsWith(".json")).map((subpath) => name + subpath.slice(1));
  return `for (const [path, module] of [${subpaths.map((path) => `["${path}", await import("${path}")]`).join(", ")}] as const) {
  if (Object.keys(module).length === 0) throw new Error(\`Cannot use "\${path}": it exports nothing\`);
}\n`;
}

/** A user's own compiler settings, as strict as they come. */
function typeCheck(file: string): Command {
  const tsc = join(process.cwd(), "node_modules/typescript/bin/tsc");
  return { bin: process.execPath, args: [tsc, "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", "--ignoreConfig", file] };
}

function exampleFault(execution: Execution, { prints }: ReadmeExample): string | undefined {
  const broken = fault(execution);
  if (broken !== undefined) return broken;
  const line = missingLine(execution.stdout, prints);
  return line === undefined ? undefined : `the README says that it prints "${line}"; it printed\n${execution.output}`;
}

function fault({ code, output, timedOut }: Execution): string | undefined {
  if (timedOut) return `not done after ${TIMEOUT / 1000} s\n${output}`;
  return code === 0 ? undefined : `exit code ${code}\n${output}`;
}

function report(name: string, complaint: string | undefined): void {
  if (complaint === undefined) passed++;
  else failed++;
  console.log(complaint === undefined ? `ok      ${name}` : `FAILED  ${name}: ${complaint}`);
}
