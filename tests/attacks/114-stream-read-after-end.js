// id: stream-read-after-end
// class: escape
// expect: contained
// idea: reads past the end of a stored stream, by many at once, and after it was cancelled
// form: body of `async run(event, step)`; `console` in scope; {escaped:true} = the attack worked
const stored = () => step.do('x', async () => new ReadableStream({ start(c) { c.enqueue(new Uint8Array([1, 2])); c.close(); } }));
const reader = (await stored()).getReader();
const reads = await Promise.all(Array.from({ length: 100 }, () => reader.read()));
const late = await reader.read();
const cancelled = await stored();
await cancelled.cancel();
const none = await cancelled.getReader().read();
return { escaped: reads[0].value.length !== 2 || reads.slice(1).some((r) => !r.done) || !late.done || !none.done };
