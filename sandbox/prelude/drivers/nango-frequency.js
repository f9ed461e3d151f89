// How often a sync runs: `every hour`, `every 5 minutes`.
const S = globalThis.__strata;
const N = (S.nango ??= {});

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const SHORTEST = 30 * SECOND;

const NAMED = { __proto__: null, month: "30d", week: "1w", day: "1d", hour: "1h", "half day": "12h", "half hour": "30m", "quarter hour": "15m" };

// Every spelling of a unit.
const UNITS = { __proto__: null };
for (const [ms, names] of [
  [1, "ms msec msecs millisecond milliseconds"],
  [SECOND, "s sec secs second seconds"],
  [MINUTE, "m min mins minute minutes"],
  [HOUR, "h hr hrs hour hours"],
  [DAY, "d day days"],
  [7 * DAY, "w week weeks"],
  [365.25 * DAY, "y yr yrs year years"],
]) {
  for (const name of names.split(" ")) UNITS[name] = ms;
}

const duration = (text) => {
  const found = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)$/i.exec(text);
  if (found === null) return undefined;
  const unit = found[2] === "" ? 1 : UNITS[found[2].toLowerCase()];
  return unit === undefined ? undefined : Number(found[1]) * unit;
};

// { interval, ms }, or { wrong } with what is wrong about it.
N.frequency = (text) => {
  const every = typeof text === "string" ? /^every\s+(.+?)\s*$/.exec(text) : null;
  const interval = every === null ? undefined : (NAMED[every[1]] ?? every[1]);
  const ms = interval === undefined ? undefined : duration(interval);
  if (ms === undefined) return { wrong: "Interval is invalid, check syntax here https://github.com/vercel/ms" };
  if (ms < SHORTEST) return { wrong: "Interval is too short, it must be at least 30 seconds" };
  return { interval, ms };
};
