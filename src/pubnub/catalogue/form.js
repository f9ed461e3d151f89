// Shows a form and keeps what is sent with it, one value by sender: GET shows, POST sends.
const kvstore = require('kvstore');
const query = require('codec/query_string');

const title = {{TITLE}};
const days = Number({{DAYS}});

const text = (value) => String(value).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const page = (content) => `<!doctype html><meta charset="utf-8"><title>${text(title)}</title><h1>${text(title)}</h1>${content}`;
const form = '<form method="post"><p><input name="name" required placeholder="Name"></p><p><textarea name="text" required></textarea></p><button>Send</button></form>';

export default async (request, response) => {
  response.headers['Content-Type'] = 'text/html; charset=utf-8';
  if (request.method === 'GET') return response.send(page(form));
  if (request.method !== 'POST') return response.send(page('<p>Not here.</p>'), 405);
  const sent = query.parse(request.body, { name: '', text: '' });
  const name = sent.name.trim().slice(0, 100);
  if (name === '' || sent.text.trim() === '') return response.send(page(`<p>Name and text, please.</p>${form}`), 400);
  await kvstore.set(`form/${name}`, { name, text: sent.text.slice(0, 2000), at: Date.now() }, days * 24 * 60);
  const count = await kvstore.incrCounter('form/answers');
  return response.send(page(`<p>Thank you, ${text(name)}. This was answer number ${count}.</p>`));
};
