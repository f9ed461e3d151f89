// Starting other functions.
const S = globalThis.__strata;
const N = (S.nango ??= {});

const need = (values) => {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== "string" || value === "") throw new TypeError(`${name} must be a text that is not empty`);
  }
};

const ask = async (op, arg) => {
  const answer = await N.ask(op, arg);
  if (answer?.error) throw N.apiError(answer.error);
  return answer;
};

// How much is synced again: an object of options, a mode by name, or (in old
// functions) whether everything is.
const modeOf = (given) => {
  if (typeof given === "string") return { syncMode: given };
  if (typeof given === "boolean") return { fullResync: given };
  return given === undefined || given === null ? {} : { opts: given };
};

const nameOf = (sync) => (typeof sync === "string" ? sync : sync?.name);

N.trigger = () => ({
  async triggerAction(integrationId, connectionId, action, input) {
    need({ integrationId, connectionId, action });
    return (await ask("nango.trigger-action", { integrationId, connectionId, action, input })).output;
  },
  async triggerSync(integrationId, connectionId, sync, optsOrMode) {
    need({ integrationId, connectionId, sync: nameOf(sync) });
    await ask("nango.trigger-sync", { integrationId, connectionId, sync, ...modeOf(optsOrMode) });
  },
  async startSync(integrationId, syncs, connectionId) {
    need({ integrationId });
    if (!Array.isArray(syncs) || syncs.length === 0) throw new TypeError("syncs must be a list that is not empty");
    for (const sync of syncs) need({ sync: nameOf(sync) });
    await ask("nango.start-sync", { integrationId, syncs, connectionId });
  },
});
