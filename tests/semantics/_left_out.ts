/** Tests of the semantics that cannot hold in a mode: by mode and sentence, and why. */
export const LEFT_OUT: { readonly [mode: string]: { readonly [sentence: string]: string } } = {
  suspend: {
    "keeps what a body saw to itself: each settlement is a copy": "run and body share a variable, and it goes with their guest",
    "is told by ctx.signal, and what it says afterwards is not heard": "run and body share a variable, and it goes with their guest",
    "queues what is too much, and runs it in its order": "whose guest is taken back gives its place to those who wait, and here they wait for it",
    "is not used up by a queued instance that one terminates": "whose guest is taken back gives its place to those who wait",
    "is not used up by a queued instance that one deletes": "whose guest is taken back gives its place to those who wait",
    "is not used up by a queued instance that one pauses": "whose guest is taken back gives its place to those who wait",
    "does not look for one whose turn to run comes meanwhile before it is through": "whose guest is taken back gives its place to those who wait, and is moved meanwhile",
    "runs although the other fills all places of the process": "whose guest is taken back gives its place to those who wait",
    "has its lines although the other's log is cut off at its limit, which says so once": "what bodies have said is counted in their guest, and each body has another",
    "is ended after a thousand, so that its history ends, too": "each of a thousand refusals would be a replay of all before",
  },
  tiny: {
    "does not make others wait for longer than it takes them to make progress": "it has ten run at once",
    "is parked after limits.crashes, with a reason, and those that ran beside it are unharmed": "it has forty run at once",
    "runs although the other fills all places of the process": "it has four guests at once",
    "is each key's own, and nobody's who has none": "it has four guests at once",
    "wakes in time although thousands of the other's sleeps are due before its own": "thousands, two at a time, take longer than a test may",
  },
};

/** The modes there are. */
export const MODES: readonly string[] = Object.keys(LEFT_OUT);
