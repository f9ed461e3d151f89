// Replaces words in every text of a message before it is delivered.
const words = {{WORDS}}.split(',').map((word) => word.trim()).filter((word) => word !== '');
const replacement = {{REPLACEMENT}};

const literal = (word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.map(literal).join('|')})(?![\\p{L}\\p{N}])`, 'giu');

const clean = (value) => {
  if (typeof value === 'string') return value.replace(pattern, () => replacement);
  if (Array.isArray(value)) return value.map(clean);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, clean(inner)]));
};

export default async (request) => {
  if (words.length > 0) request.message = clean(request.message);
  return request.ok();
};
