// `require("pubnub")`: the client with the keyset's own keys. Reference:
// section 13.5.
const S = globalThis.__strata;
const P = (S.pubnub ??= {});
const { Error } = globalThis;

// Bytes of JSON.
const MESSAGE_LIMIT = 32_768;
const SIGNAL_LIMIT = 64;

// What the vendor's client has beyond this one. A dot stands for a group.
const UNSUPPORTED =
  "subscribe unsubscribe unsubscribeAll addListener removeListener removeAllListeners reconnect disconnect stop destroy time history " +
  "fetchMessages deleteMessages messageCounts getState setState presence getUUID setUUID getUserId setUserId getAuthKey setAuthKey " +
  "getFilterExpression setFilterExpression setCipherKey encrypt decrypt encryptFile decryptFile encode decode grant audit grantToken " +
  "revokeToken parseToken getToken setToken sendFile publishFile listFiles getFileUrl downloadFile deleteFile addMessageAction " +
  "removeMessageAction getMessageActions setProxy setHeartbeatInterval channel channelGroup channelMetadata userMetadata subscriptionSet " +
  "channelGroups.listGroups channelGroups.listChannels channelGroups.addChannels channelGroups.removeChannels channelGroups.deleteGroup " +
  "push.addChannels push.removeChannels push.listChannels push.deleteDevice " +
  "objects.getAllUUIDMetadata objects.getUUIDMetadata objects.setUUIDMetadata objects.removeUUIDMetadata objects.getAllChannelMetadata " +
  "objects.getChannelMetadata objects.setChannelMetadata objects.removeChannelMetadata objects.getChannelMembers objects.setChannelMembers " +
  "objects.removeChannelMembers objects.getMemberships objects.setMemberships objects.removeMemberships";

const names = UNSUPPORTED.split(" ").map((name) => name.split("."));

const call = async (op, arg) => {
  P.spend("pubnub");
  return (await P.ask(op, arg)).value.answer;
};

const send = (mode) => async (parameters) => {
  const { channel, message, meta } = parameters ?? {};
  if (typeof channel !== "string" || channel === "") throw new Error(`pubnub.${mode}: missing channel`);
  if (message === undefined) throw new Error(`pubnub.${mode}: missing message`);
  const text = P.json(message);
  if (text === undefined) throw new TypeError(`pubnub.${mode}: the message cannot be serialised`);
  const limit = mode === "signal" ? SIGNAL_LIMIT : MESSAGE_LIMIT;
  if (P.size(text) > limit) throw new RangeError(`pubnub.${mode}: the message is longer than ${limit} bytes`);
  const arg = { __proto__: null, mode, channel, message: P.parse(text) };
  if (meta !== undefined && meta !== null) arg.meta = meta;
  return call("pubnub.publish", arg);
};

const listed = (channels) => {
  const list = typeof channels === "string" ? channels.split(",") : [...(channels ?? [])];
  for (const channel of list) if (typeof channel !== "string") throw new TypeError("pubnub.hereNow: channels are strings");
  return list;
};

P.modules.pubnub = () => {
  const client = {
    publish: send("publish"),
    fire: send("fire"),
    signal: send("signal"),
    async hereNow(parameters) {
      const { channels, includeUUIDs, includeState } = parameters ?? {};
      const arg = { __proto__: null, channels: listed(channels) };
      if (includeUUIDs !== undefined) arg.includeUUIDs = Boolean(includeUUIDs);
      if (includeState !== undefined) arg.includeState = Boolean(includeState);
      return call("pubnub.here-now", arg);
    },
    async whereNow(parameters) {
      const uuid = parameters?.uuid;
      if (typeof uuid !== "string" || uuid === "") throw new Error("pubnub.whereNow: missing uuid");
      return call("pubnub.where-now", { __proto__: null, uuid });
    },
  };
  for (const [first, second] of names) {
    const target = second === undefined ? client : (client[first] ??= {});
    const name = second === undefined ? first : `${first}.${second}`;
    target[second ?? first] = async () => {
      throw new Error(`Not supported: pubnub.${name}`);
    };
  }
  return client;
};
