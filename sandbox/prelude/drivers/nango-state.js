// What a function keeps from one run to the next, and what runs share:
// checkpoints and locks.
const S = globalThis.__strata;
const N = (S.nango ??= {});

const invalid = (why) => new Error(`Invalid checkpoint: ${why}`);

const checkCheckpoint = (value) => {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw invalid("it must be an object");
  for (const [key, one] of Object.entries(value)) {
    const fits = typeof one === "string" || typeof one === "boolean" || (typeof one === "number" && Number.isFinite(one));
    if (!fits) throw invalid(`the value of "${key}" must be a string, a number or a boolean`);
  }
};

const checkpoints = () => {
  // Of the stored checkpoint, as last seen.
  let version;
  const change = async (verb, arg) => {
    const answer = await N.ask("nango.checkpoint", { ...arg, ...(version !== undefined && version !== null && { version }) });
    if (answer.conflict) throw new Error(`Error ${verb} checkpoint: it was changed by another run`);
    if (answer.error) throw new Error(`Error ${verb} checkpoint: ${answer.error.message ?? answer.error}`);
    version = answer.version;
    return answer;
  };
  return {
    async getCheckpoint() {
      const answer = await N.ask("nango.checkpoint", { op: "get" });
      if (answer.error) throw new Error(`Error getting checkpoint: ${answer.error.message ?? answer.error}`);
      version = answer.version;
      return answer.checkpoint ?? null;
    },
    async saveCheckpoint(value) {
      checkCheckpoint(value);
      const { interrupt } = await change("saving", { op: "save", value });
      if (interrupt) throw new N.RunError("execution_interrupted", "The run was interrupted after its checkpoint was saved");
    },
    async clearCheckpoint() {
      await change("clearing", { op: "clear" });
    },
  };
};

const checkKey = (key) => {
  if (typeof key !== "string" || key.length < 1 || key.length > 255) throw new Error("The key of a lock must have 1 to 255 characters");
};

const locks = () => {
  const held = new Set();
  const releaseAllLocks = async () => {
    await N.ask("nango.unlock-all");
    held.clear();
  };
  return {
    // Called at the end of the run.
    async release() {
      if (held.size > 0) await releaseAllLocks();
    },
    members: {
      async tryAcquireLock({ key, ttlMs } = {}) {
        checkKey(key);
        if (!(typeof ttlMs === "number" && ttlMs > 0)) throw new Error("The ttlMs of a lock must be greater than 0");
        const { acquired } = await N.ask("nango.lock", { key, ttlMs });
        if (acquired) held.add(key);
        return acquired;
      },
      async releaseLock({ key } = {}) {
        checkKey(key);
        const { released } = await N.ask("nango.unlock", { key });
        held.delete(key);
        return released;
      },
      releaseAllLocks,
    },
  };
};

N.state = () => {
  const { release, members } = locks();
  return { release, members: { ...checkpoints(), ...members } };
};
