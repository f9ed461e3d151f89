// Answers how many messages each of the named channels had: GET ?channel=a,b
const kvstore = require('kvstore');

const prefix = {{PREFIX}};

export default async (request, response) => {
  const channels = (request.query.channel ?? '').split(',').filter((channel) => channel !== '');
  if (channels.length === 0 || channels.length > 10) {
    return response.send({ error: 'channel must name 1 to 10 channels' }, 400);
  }
  const counts = await Promise.all(channels.map((channel) => kvstore.getCounter(`${prefix}${channel}`)));
  return response.send(Object.fromEntries(channels.map((channel, index) => [channel, counts[index]])));
};
