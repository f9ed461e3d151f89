// Counts messages by channel. The counters can be read by other functions and over the Admin API.
const kvstore = require('kvstore');

const prefix = {{PREFIX}};

export default async (request) => {
  const [channel] = request.channels;
  const count = await kvstore.incrCounter(`${prefix}${channel}`);
  if (count % 1000 === 0) console.log(`${channel}: ${count} messages`);
  return request.ok();
};
