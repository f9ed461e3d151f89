// The function of the execution rows: the same file runs on Strata, in a
// process of its own for each request, and in a warm Node server.
export default async ({ req, res, log }) => {
  const name = req.query.name ?? "world";
  log(`greeting ${name}`);
  const words = Array.from({ length: 100 }, (_, index) => `${name}-${index}`);
  return res.json({ message: `Hello, ${name}!`, words: words.join(" ").length });
};
