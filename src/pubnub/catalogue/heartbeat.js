// Publishes a beat, so that whoever listens knows that messages get through.
const kvstore = require('kvstore');
const pubnub = require('pubnub');

const channel = {{CHANNEL}};

export default async (event) => {
  const beat = await kvstore.incrCounter('heartbeat');
  await pubnub.publish({ channel, message: { beat, at: Date.now() } });
  return event.ok();
};
