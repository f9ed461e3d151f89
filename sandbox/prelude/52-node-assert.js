// node:assert and node:assert/strict. Messages name both values; there is no
// coloured difference of long ones.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const show = (v) => lib.inspect(v, { depth: 10, sorted: true, maxArrayLength: Infinity });

  class AssertionError extends Error {
    constructor(options) {
      const { message, actual, expected, operator } = options;
      super(message === undefined ? `${show(actual)} ${operator} ${show(expected)}` : String(message));
      this.name = "AssertionError";
      this.code = "ERR_ASSERTION";
      this.generatedMessage = message === undefined;
      this.actual = actual;
      this.expected = expected;
      this.operator = operator;
      if (options.stackStartFn) Error.captureStackTrace?.(this, options.stackStartFn);
    }
    toString() {
      return `${this.name} [${this.code}]: ${this.message}`;
    }
  }

  function fail(message, details) {
    if (message instanceof Error) throw message;
    const error = new AssertionError({ message, ...details });
    if (message === undefined && details.text) error.message = details.text;
    throw error;
  }

  function ok(value, message) {
    if (value) return;
    fail(message, { actual: value, expected: true, operator: "==", text: arguments.length === 0 ? "No value argument passed to `assert.ok()`" : "The expression evaluated to a falsy value" });
  }

  const HEADS = {
    strictEqual: "Expected values to be strictly equal:", deepStrictEqual: "Expected values to be strictly deep-equal:", deepEqual: "Expected values to be loosely deep-equal:",
    notStrictEqual: 'Expected "actual" to be strictly unequal to:', notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:', notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:',
  };
  const compare = (operator, test) =>
    function (actual, expected, message) {
      if (arguments.length < 2) throw lib.nodeError(TypeError, "ERR_MISSING_ARGS", 'The "actual" and "expected" arguments must be specified');
      if (test(actual, expected)) return;
      const head = HEADS[operator];
      const text = head && (operator.startsWith("not") ? `${head} ${show(expected)}` : `${head}\n\n${show(actual)} !== ${show(expected)}\n`);
      fail(message, { actual, expected, operator, text });
    };
  // eslint-disable-next-line eqeqeq
  const loose = (a, b) => a == b || (Number.isNaN(a) && Number.isNaN(b));

  // Whether a raised error is the expected one; throws when it is not.
  function check(error, expected, message, fn) {
    if (expected === undefined) return;
    if (typeof expected === "function") {
      if (expected.prototype !== undefined && error instanceof expected) return;
      if (Error.isPrototypeOf(expected) || expected === Error) {
        return fail(message, { actual: error, expected, operator: fn, text: `The error is expected to be an instance of "${expected.name}". Received "${error?.name}"\n\nError message:\n\n${error?.message}` });
      }
      if (expected.call({}, error) === true) return;
      return fail(message, { actual: error, expected, operator: fn, text: "The validation function is expected to return \"true\"." });
    }
    if (expected instanceof RegExp) {
      if (expected.test(String(error))) return;
      return fail(message, { actual: error, expected, operator: fn, text: `The input did not match the regular expression ${expected}. Input:\n\n${show(String(error))}\n` });
    }
    const keys = Object.keys(expected);
    if (expected instanceof Error) keys.push("name", "message");
    for (const key of keys) {
      const match = expected[key] instanceof RegExp && typeof error?.[key] === "string" ? expected[key].test(error[key]) : lib.deepEqual(error?.[key], expected[key], true);
      if (!match) fail(message, { actual: error, expected, operator: fn, text: `Expected values to be strictly deep-equal:\n\n${key}: ${show(error?.[key])} !== ${show(expected[key])}\n` });
    }
  }

  const split = (expected, message) => (typeof expected === "string" ? [undefined, expected] : [expected, message]);

  function throws(fn, expected, message) {
    if (typeof fn !== "function") throw lib.argType("fn", "of type function", fn);
    [expected, message] = split(expected, message);
    let raised;
    try {
      fn();
    } catch (error) {
      raised = { error };
    }
    if (!raised) fail(message, { expected, operator: "throws", text: `Missing expected exception${expected?.name ? ` (${expected.name})` : ""}.` });
    check(raised.error, expected, message, "throws");
  }

  async function rejects(promise, expected, message) {
    [expected, message] = split(expected, message);
    let raised;
    try {
      await (typeof promise === "function" ? promise() : promise);
    } catch (error) {
      raised = { error };
    }
    if (!raised) fail(message, { expected, operator: "rejects", text: `Missing expected rejection${expected?.name ? ` (${expected.name})` : ""}.` });
    check(raised.error, expected, message, "rejects");
  }

  const unwanted = (error, message, operator) =>
    fail(message, { actual: error, operator, text: `Got unwanted ${operator === "doesNotReject" ? "rejection" : "exception"}.\nActual message: "${error?.message}"` });

  const methods = {
    ok,
    fail: (message = "Failed") => fail(message, { operator: "fail" }),
    equal: compare("==", loose),
    notEqual: compare("!=", (a, b) => !loose(a, b)),
    strictEqual: compare("strictEqual", Object.is),
    notStrictEqual: compare("notStrictEqual", (a, b) => !Object.is(a, b)),
    deepEqual: compare("deepEqual", (a, b) => lib.deepEqual(a, b, false)),
    notDeepEqual: compare("notDeepEqual", (a, b) => !lib.deepEqual(a, b, false)),
    deepStrictEqual: compare("deepStrictEqual", (a, b) => lib.deepEqual(a, b, true)),
    notDeepStrictEqual: compare("notDeepStrictEqual", (a, b) => !lib.deepEqual(a, b, true)),
    throws,
    rejects,
    doesNotThrow(fn, expected, message) {
      [expected, message] = split(expected, message);
      try {
        fn();
      } catch (error) {
        unwanted(error, message, "doesNotThrow");
      }
    },
    async doesNotReject(promise, expected, message) {
      [expected, message] = split(expected, message);
      try {
        await (typeof promise === "function" ? promise() : promise);
      } catch (error) {
        unwanted(error, message, "doesNotReject");
      }
    },
    ifError(value) {
      if (value !== null && value !== undefined) fail(undefined, { actual: value, expected: null, operator: "ifError", text: `ifError got unwanted exception: ${value?.message ?? show(value)}` });
    },
    match(text, pattern, message) {
      if (!pattern.test(text)) fail(message, { actual: text, expected: pattern, operator: "match", text: `The input did not match the regular expression ${pattern}. Input:\n\n${show(text)}\n` });
    },
    doesNotMatch(text, pattern, message) {
      if (pattern.test(text)) fail(message, { actual: text, expected: pattern, operator: "doesNotMatch", text: `The input was expected to not match the regular expression ${pattern}. Input:\n\n${show(text)}\n` });
    },
    AssertionError,
  };

  const assert = Object.assign((...args) => ok(...args), methods);
  const strict = Object.assign((...args) => ok(...args), methods, {
    equal: methods.strictEqual, notEqual: methods.notStrictEqual, deepEqual: methods.deepStrictEqual, notDeepEqual: methods.notDeepStrictEqual,
  });
  assert.strict = strict.strict = strict;
  S.modules["node:assert"] = () => assert;
  S.modules["node:assert/strict"] = () => strict;
})();
