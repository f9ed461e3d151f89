// Sends every message to a web server, with a token from the vault.
const xhr = require('xhr');
const vault = require('vault');

const url = {{URL}};

export default async (request) => {
  const token = await vault.get('WEBHOOK_TOKEN');
  const answer = await xhr.fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ channel: request.channels[0], message: request.message }),
  });
  if (answer.status >= 300) throw new Error(`the web server answered ${answer.status}`);
  return request.ok();
};
