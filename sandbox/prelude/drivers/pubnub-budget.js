// What one execution may spend: calls of the modules that leave the sandbox,
// and iterations of loops, which the compiler makes call `P.loop`. Reference:
// section 14.
const S = globalThis.__strata;
const P = (S.pubnub ??= {});
const { Error, String } = globalThis;

const CALLS = { __proto__: null, xhr: 5, vault: 10, kvstore: 10, pubnub: 10 };
const ITERATIONS = 100_000;

const used = { __proto__: null, xhr: 0, vault: 0, kvstore: 0, pubnub: 0 };
let iterations = 0;
// Set when the execution has ended whatever the function does with the error.
let ended = null;
// Ends the execution as failed; the driver's own way once it has been called.
let settle = null;

const FRAME = /^\s+at /;

// An error as the sandbox tells it. The first line of `stack` is its text.
P.told = (error) => {
  const told = { __proto__: null, phase: "run", reason: "threw", name: "", message: "", stack: "Error" };
  try {
    told.message = told.stack = String(error);
    if (error !== null && typeof error === "object" && typeof error.stack === "string") {
      told.name = String(error.name);
      told.message = String(error.message);
      const frames = error.stack.split("\n").filter((line) => FRAME.test(line));
      told.stack = [told.stack, ...frames].join("\n");
    }
  } catch {
    // It refuses to be shown: what is known of it so far must do.
  }
  return told;
};

// A new execution: what the top level of the module did is not counted.
P.begin = (fail) => {
  iterations = 0;
  settle = (error) => fail("failed", P.told(error));
};

// Ends the execution as failed from where no driver can catch the error.
P.crash = (error) => (settle ?? S.crash)(error);

P.isOver = () => ended !== null;

// Counts a call that goes to the host.
P.spend = (name) => {
  if (ended !== null) throw ended;
  if (used[name] >= CALLS[name]) throw new Error(`${name} execution calls exceeds: ${CALLS[name]}`);
  used[name] += 1;
};

const stop = () => {
  if (ended !== null) throw ended;
  try {
    ended = new Error(`loop iterations exceeds: ${ITERATIONS}`);
  } catch (raised) {
    // A function may have a say in how stacks are made.
    ended = raised ?? "loop iterations exceeds";
  }
  // Not left to the error: the function may catch it and go on.
  P.crash(ended);
  throw ended;
};

// Called at the start of each iteration of each loop.
P.loop = () => {
  iterations += 1;
  if (iterations > ITERATIONS) stop();
};
