import { defineConfig, type Options } from "tsup";

/** What every published file is made with: one output file per source file, so that `import.meta.url` stays true. */
const options: Options = {
  entry: ["mod.ts", "core/**/*.ts", "adapters/**/*.ts", "testing/**/*.ts"],
  format: ["esm"],
  platform: "neutral",
  target: "es2022",
  splitting: false,
  dts: false,
  clean: true,
  sourcemap: true,
  silent: true,
  // tsup strips `node:` by default, and `import("sqlite")` does not exist.
  removeNodeProtocol: false,
  external: [/^[^./]/],
  esbuildPlugins: [{
    name: "one-file-each",
    setup(build) {
      build.onResolve({ filter: /^\.\.?\// }, (args) => {
        if (args.kind === "entry-point") return undefined;
        return { path: args.path.replace(/\.ts$/, ".js"), external: true };
      });
    },
  }],
};

const config: ReturnType<typeof defineConfig> = defineConfig(options);
export default config;
