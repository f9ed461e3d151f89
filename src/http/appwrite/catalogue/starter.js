// Called with every request: `req` is what came in, `res` makes the answer.
export default async ({ req, res, log }) => {
  if (req.path === "/ping") {
    return res.text("Pong");
  }
  log(`${req.method} ${req.path}`);
  return res.json({
    message: "The starter function runs. Change it and deploy it again.",
    links: {
      documentation: "https://appwrite.io/docs/products/functions",
      examples: "https://github.com/appwrite/templates",
    },
  });
};
