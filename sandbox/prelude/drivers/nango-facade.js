// The object a function gets as `nango`: its members, and no way to anything
// behind them.
const S = globalThis.__strata;
const { lib } = S;
const N = (S.nango ??= {});

const BLOCKED = new Set([
  "nango",
  "constructor",
  "prototype",
  "__proto__",
  "__defineGetter__",
  "__defineSetter__",
  "__lookupGetter__",
  "__lookupSetter__",
  "abortSignal",
  "apiClient",
  "attributes",
  "checkpointing",
  "integrationConfig",
  "lifecycle",
  "locking",
  "memoizedConnections",
  "memoizedIntegration",
  "persistClient",
  "secretKey",
  "telemetryBag",
]);

const allowed = (key) => {
  if (BLOCKED.has(key)) throw new Error(`Access to "${String(key)}" is not allowed.`);
};

const guard = {
  get(target, key) {
    allowed(key);
    return target[key];
  },
  has: (target, key) => !BLOCKED.has(key) && key in target,
  set(target, key, value) {
    allowed(key);
    target[key] = value;
    return true;
  },
  defineProperty(target, key, descriptor) {
    allowed(key);
    return Reflect.defineProperty(target, key, descriptor);
  },
  deleteProperty(target, key) {
    allowed(key);
    return Reflect.deleteProperty(target, key);
  },
  getPrototypeOf: () => null,
  setPrototypeOf: () => false,
};

const fieldsOf = ({ context, definition, job, dry }) => ({
  connectionId: context.connectionId,
  providerConfigKey: context.providerConfigKey,
  provider: context.provider,
  environmentId: context.environmentId,
  environmentName: context.environmentName,
  accountId: context.accountId,
  activityLogId: context.activityLogId,
  ...(context.syncId !== undefined && { syncId: context.syncId }),
  ...(context.syncJobId !== undefined && { syncJobId: context.syncJobId }),
  scriptType: job,
  isCLI: dry,
  runnerFlags: {},
  syncConfig: {
    sync_name: context.scriptName,
    type: job === "webhook" ? "sync" : job,
    models: Object.keys(definition.models ?? {}),
    ...(definition.version !== undefined && { version: definition.version }),
  },
  ActionError: N.ActionError,
});

const syncFieldsOf = ({ context, definition }) => ({
  variant: context.variant ?? "base",
  ...(context.lastSyncDate !== undefined && context.lastSyncDate !== null && { lastSyncDate: new Date(context.lastSyncDate) }),
  track_deletes: definition.trackDeletes === true,
});

// { nango, release }: what the function gets, and what ends its run.
N.facade = (run) => {
  const log = N.log(run);
  const http = N.http();
  const state = N.state();
  const members = {
    __proto__: null,
    ...fieldsOf(run),
    ...log.members,
    ...http,
    ...N.paginate(run, http.proxy),
    ...N.connection(run),
    ...N.trigger(),
    ...state.members,
  };
  if (run.job === "sync" || run.job === "webhook") Object.assign(members, syncFieldsOf(run), N.records(run, log.write));
  // `console` has no business with its members.
  lib.define(members, lib.inspect.custom, () => "[nango]");
  return { nango: new Proxy(members, guard), release: state.release };
};
