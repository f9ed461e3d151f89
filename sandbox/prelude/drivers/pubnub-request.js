// What functions get that do not answer HTTP: the request of a message trigger
// and the event of a timer. Reference: sections 12.1 and 12.4.
const S = globalThis.__strata;
const P = (S.pubnub ??= {});

P.messageRequest = ({ message, channels, verb, pubkey, subkey, version, meta, params, uri }, result) => {
  const shown = params ?? {};
  // Never for functions, whatever the sender put into the address.
  delete shown.auth;
  return P.endings({ message, channels, verb, method: verb, pubkey, subkey, version, meta: meta ?? {}, params: shown, uri }, result);
};

P.intervalEvent = ({ timestamp, interval, pubkey, subkey, version }, result) =>
  P.endings({ timestamp, interval, pubkey, subkey, version, meta: {}, message: {}, channels: [] }, result);
