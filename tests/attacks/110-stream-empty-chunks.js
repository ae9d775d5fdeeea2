// id: stream-empty-chunks
// class: cpu
// expect: limit|error
// idea: a stream of empty chunks without end: no piece is ever full
// form: body of `async run(event, step)`; `console` in scope; {escaped:true} = the attack worked
const none = new Uint8Array(0);
await step.do('x', async () => new ReadableStream({ pull(c) { c.enqueue(none); } }));
return { escaped: true };
