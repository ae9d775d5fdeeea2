/**
 * Cases of the Guest port that only a guest with a realm of its own can keep.
 *
 * @module
 */
import { check, equal } from "../store_cases/check.ts";
import type { Case } from "../store_cases/subject.ts";
import { flow, guestCase, only, type OpenSandbox, output } from "./subject.ts";

/** See the file's head. */
export function vmCases(open: OpenSandbox): Case[] {
  return [
    guestCase(open, "randomness outside bodies comes from the run's seed", async (bench) => {
      const code = await bench.prepare(flow(
        `const draw = () => [Math.random(), Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(40))], early];
        return draw();`,
        `const early = [Math.random(), crypto.randomUUID()];`,
      ));
      const draw = async (seed: string) => output((await bench.start(code, { seed })).started) as [number, number, string, number[], unknown];
      const [a, again, b] = [await draw("one"), await draw("one"), await draw("two")];
      equal(a, again, "the same seed");
      check(a[0] !== b[0] && a[2] !== b[2] && a[3].join() !== b[3].join(), "another seed gives the same");
      equal(a[4], b[4], "at module scope");
      check(a[0] >= 0 && a[0] < 1 && a[0] !== a[1], "Math.random");
      check(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(a[2]), `not a UUID: ${a[2]}`);
    }),

    guestCase(open, "randomness is version 1 of it, bit by bit", async (bench) => {
      const run = await bench.start(flow(`return [Math.random(), Math.random(), crypto.randomUUID()];`), { seed: "golden" });
      equal(output(run.started), GOLDEN, "a journal may depend on it");
    }),

    guestCase(open, "randomness in a body comes from the attempt's seed and leaves the run's alone", async (bench) => {
      const code = await bench.prepare(flow(`
        const before = Math.random();
        const inside = await step.do("s", async () => { const a = Math.random(); await step.sleep("n", 1); return [a, Math.random()]; });
        return [before, inside, Math.random()];`));
      const draw = async (seed: string) => {
        const run = await bench.start(code, { seed: "run" });
        const { id } = only(run.started, "do").command;
        const nap = only(await run.body(id, { seed }), "sleep").command;
        const done = only(await run.settle(nap.id), "done");
        return output(await run.settle(id, done.value)) as [number, [number, number], number];
      };
      const [a, b] = [await draw("x"), await draw("y")];
      equal([a[0], a[2]], [b[0], b[2]], "of the run");
      check(a[1][0] !== b[1][0] && a[1][1] !== b[1][1] && a[1][0] !== a[1][1], "of the attempts");
    }),

    guestCase(open, "the clock shows the turn's time, and the real one in a body", async (bench) => {
      const run = await bench.start(
        flow(`
          const seen = [Date.now(), new Date().getTime(), performance.now()];
          await step.sleep("s", 1);
          seen.push(Date.now(), performance.now());
          return await step.do("b", async () => [...seen, Math.abs(Date.now() - event.payload) < 60_000]);`),
        { params: Date.now(), now: 1_700_000_000_123 },
      );
      run.now = 1_700_000_000_200;
      const { id } = only(await run.settle(only(run.started, "sleep").command.id), "do").command;
      equal(only(await run.body(id), "done").value,
        [1_700_000_000_123, 1_700_000_000_123, 0, 1_700_000_000_200, 77, true], "seen");
    }),

    guestCase(open, "timers are commands", async (bench) => {
      const run = await bench.start(flow(`
        const seen = [];
        const never = setTimeout(() => seen.push("never"), 5);
        await new Promise((resolve) => setTimeout((a, b) => { seen.push(a + b); resolve(); }, 10.2, 1, 2));
        clearTimeout(never); clearTimeout(never); clearTimeout(undefined);
        let n = 0;
        await new Promise((resolve) => { const every = setInterval(() => { if (++n === 3) { clearInterval(every); resolve(); } }, 7); });
        setTimeout(() => { throw new Error("lost"); });
        return [seen, n];`));
      const [never, ten] = run.started.map(({ command }) => command as { id: number; ms: number; c: string; in: number });
      equal([never, ten], [{ c: "timer", id: never?.id, in: 0, ms: 5 }, { c: "timer", id: ten?.id, in: 0, ms: 11 }], "timers");
      let every = only(await run.settle((ten as { id: number }).id), "timer").command;
      equal(every.ms, 7, "interval");
      for (let i = 0; i < 2; i++) every = only(await run.settle(every.id), "timer").command;
      equal(await run.settle((never as { id: number }).id), [], "a timer that was cleared");
      const rest = await run.settle(every.id);
      equal(rest.map(({ command }) => command.c), ["timer", "timer", "end"], "the interval's, the lost one's, the end");
      equal(output(rest.slice(2)), [[3], 3], "output");
      const lost = only(await run.settle((rest[1]?.command as { id: number }).id), "log");
      check(String(lost.value).includes("lost"), `log: ${lost.value}`);
    }),

    guestCase(open, "a timer in a body is the body's", async (bench) => {
      const run = await bench.start(flow(`
        await step.do("s", async () => { await new Promise((resolve) => setTimeout(resolve, 3)); await step.sleep("n", 1); });`));
      const { id } = only(run.started, "do").command;
      const timer = only(await run.body(id), "timer").command;
      equal([timer.in, timer.ms], [id, 3], "timer");
      equal(only(await run.settle(timer.id), "sleep").command.in, id, "what follows");
    }),

    guestCase(open, "a timer of an aborted attempt is not started", async (bench) => {
      const run = await bench.start(flow(`
        await step.do("s", async (ctx) => {
          ctx.signal.addEventListener("abort", () => { setTimeout(() => {}, 1); console.log("heard"); });
          await new Promise(() => {});
        });`));
      const { id } = only(run.started, "do").command;
      await run.body(id);
      equal(only(await run.abort(id), "log").value, "heard", "sent");
    }),

    guestCase(open, "there is no way around the host", async (bench) => {
      const run = await bench.start(flow(`
        const names = Object.getOwnPropertyNames(globalThis).filter((n) => /^__|bridge|host|settle|send|drain|outbox|tenure|qjs|^std$|^os$|^bjson$/i.test(n));
        let fetched; try { await fetch("https://example.com"); } catch (e) { fetched = [e instanceof TypeError, e.message]; }
        return [names, typeof WebAssembly, typeof SharedArrayBuffer, typeof Atomics, typeof process, typeof require, fetched];`));
      equal(output(run.started), [[], "undefined", "undefined", "undefined", "undefined", "undefined",
        [true, "Cannot fetch: no network is granted"]], "output");
    }),

    guestCase(open, "module scope is each guest's own, and may not reach the host", async (bench) => {
      const code = await bench.prepare(flow(`
        globalThis.mark = (globalThis.mark ?? 0) + 1; Array.prototype.mark = 1;
        return [++count, globalThis.mark, refused];`, `let count = 0; let refused; try { setTimeout(() => {}, 1); } catch (e) { refused = e.message; }`));
      for (let i = 0; i < 2; i++) {
        const [count, mark, refused] = output((await bench.start(code)).started) as [number, number, string];
        equal([count, mark], [1, 1], "fresh");
        check(refused.includes("has not started"), `timer at module scope: ${refused}`);
      }
    }),

    guestCase(open, "the web's small tools are there", async (bench) => {
      const run = await bench.start(flow(`
        const text = "a\\u00e9€🎉\\ud800";
        const bytes = new TextEncoder().encode(text);
        const order = []; queueMicrotask(() => order.push("micro")); await null;
        const clone = structuredClone({ d: new Date(1), m: new Map([[1, 2]]) });
        let refused; try { structuredClone({ f() {} }); } catch (e) { refused = /value\\.f\\b/.test(e.message); }
        const abort = AbortSignal.abort("why"); const controller = new AbortController();
        const any = AbortSignal.any([controller.signal, new AbortController().signal]);
        const heard = []; any.onabort = (e) => heard.push(e.type); any.addEventListener("abort", () => heard.push(any.reason)); controller.abort("now");
        let illegal; try { new AbortSignal(); } catch (e) { illegal = e.name; }
        const fatal = (b) => { try { return new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(b)); } catch (e) { return e.name; } };
        const lossy = (b) => new TextDecoder().decode(new Uint8Array(b));
        return [[...bytes], new TextDecoder().decode(bytes), btoa("h\\u00ff!"), atob(" aP8h "), atob("YQ"), order, clone.d.getTime(), clone.m.get(1), refused,
          abort.aborted, abort.reason, any.aborted, heard, illegal, fatal([0xc0, 0x80]), fatal([0xef, 0xbb, 0xbf, 65]),
          lossy([0xf0, 0x9f, 0x8e, 65]), lossy([0xed, 0xa0, 0x80]), lossy([0xff, 66]), new TextEncoder().encodeInto("€a", new Uint8Array(3))];`));
      equal(output(run.started), [
        [97, 195, 169, 226, 130, 172, 240, 159, 142, 137, 239, 191, 189], "aé€🎉\ufffd", "aP8h", "h\u00ff!", "a", ["micro"], 1, 2,
        true, true, "why", true, ["abort", "now"], "TypeError", "TypeError", "A",
        "\ufffdA", "\ufffd\ufffd\ufffd", "\ufffdB", { read: 1, written: 3 },
      ], "output");
    }),

    guestCase(open, "lines of a log are counted", async (bench) => {
      const run = await bench.start(flow(`for (let i = 0; i < 5000; i++) console.log(i); return 1;`));
      check(run.started.length === 5001, `${run.started.length} frames`);
    }),
  ];
}

const GOLDEN: unknown = [0.2213759710576363, 0.5748898704514528, "ab1332e4-6eb2-4d60-8e49-ec858d5fab63"];
