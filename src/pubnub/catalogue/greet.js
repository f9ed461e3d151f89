// Says hello to who joins a channel.
const pubnub = require('pubnub');

const greeting = {{GREETING}};

export default async (request) => {
  const { action, channel, uuid } = request.message;
  if (action === 'join') {
    await pubnub.publish({ channel, message: { text: greeting.replace('NAME', () => uuid), from: 'greeter' } });
  }
  return request.ok();
};
