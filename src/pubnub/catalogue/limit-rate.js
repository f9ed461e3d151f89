// Lets each user publish so many messages in a window of time.
const kvstore = require('kvstore');

const most = Number({{MESSAGES}});
const seconds = Number({{SECONDS}});

export default async (request) => {
  const user = request.params.uuid ?? 'unknown';
  const window = Math.floor(Date.now() / (seconds * 1000));
  const count = await kvstore.incrCounter(`rate/${user}/${window}`);
  if (count > most) return request.abort(`Too many messages: at most ${most} in ${seconds} s`);
  return request.ok();
};
