// Adds a signature to every message, which receivers check with the key that they share.
const crypto = require('crypto');
const vault = require('vault');

export default async (request) => {
  const key = await vault.get('SIGNING_KEY');
  const { signature: _, ...message } = request.message;
  const signature = await crypto.hmac(key, JSON.stringify(message), crypto.ALGORITHM.HMAC_SHA256);
  request.message = { ...message, signature };
  return request.ok();
};
