// `nango.log` and `nango.setLogger`, and the lines of `console` in dry runs.
const S = globalThis.__strata;
const N = (S.nango ??= {});
const MESSAGE_LIMIT = 99_000;
const LEVELS = ["debug", "info", "warn", "error", "off"];
const FORMER = { http: "info", verbose: "debug", silly: "debug" };

const levelOf = (name) => (name !== "off" && LEVELS.includes(name) ? name : (FORMER[name] ?? "info"));

const isObject = (value) => value !== null && typeof value === "object";

const textOf = (value) => {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  try {
    return N.json(value) ?? String(value);
  } catch {
    return String(value);
  }
};

const joined = (values) =>
  values
    .map((value) => {
      try {
        return String(value);
      } catch {
        return Object.prototype.toString.call(value);
      }
    })
    .join(" ");

// Metadata is an object; what has no JSON form is left out.
const metaOf = (value) => {
  if (!isObject(value)) return value === undefined || value === null ? undefined : { value };
  try {
    return JSON.parse(N.json(Array.isArray(value) ? { ...value } : value));
  } catch {
    return undefined;
  }
};

N.log = ({ dry, context }) => {
  const logger = { level: dry ? "debug" : (context.logLevel ?? "warn") };

  const write = (level, message, meta) => {
    if (logger.level === "off") return;
    if (!dry && LEVELS.indexOf(level) < LEVELS.indexOf(logger.level)) return;
    S.call("nango.log", { level, message: N.fit(message, MESSAGE_LIMIT), meta, at: new Date().toISOString() });
  };

  return {
    write,
    members: {
      logger,
      async log(...args) {
        if (args.length === 0) return;
        const last = args.at(-1);
        const level = isObject(last) && "level" in last ? levelOf(args.pop().level) : "info";
        if (args.length === 0) return;
        // A dry run prints everything in one line.
        write(level, dry ? joined(args) : textOf(args[0]), metaOf(args[1]));
      },
      setLogger({ level } = {}) {
        if (logger.level === "off" || !LEVELS.includes(level)) return;
        logger.level = level;
      },
      async zodValidateInput({ zodSchema, input }) {
        const parsed = await zodSchema.safeParseAsync(input);
        if (parsed.success) return parsed;
        for (const { message, path } of parsed.error.issues) write("error", `Invalid input provided: ${message} at path ${path.join(".")}`);
        throw new N.ActionError({ message: "Invalid input provided" });
      },
    },
  };
};

// Functions may print in dry runs only. `printing` spares a silent `console`
// the work of making its lines.
N.console = ({ dry }) => {
  S.printing = dry;
  S.onConsole = dry ? (line, level) => void S.call("nango.console", { level, line }) : () => {};
};
