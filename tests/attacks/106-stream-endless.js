// id: stream-endless
// class: memory
// expect: limit|error|contained
// idea: a stream that never ends, as the result of a step
// form: body of `async run(event, step)`; `console` in scope; {escaped:true} = the attack worked
const chunk = new Uint8Array(100_000);
await step.do('x', async () => new ReadableStream({ pull(c) { c.enqueue(chunk); } }));
return { escaped: true };
