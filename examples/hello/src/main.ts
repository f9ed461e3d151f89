import { greet } from "./greet";

export default async ({ req, res, log }: any) => {
  const name = req.query.name ?? "world";
  log(`greeting ${name}`);
  if (req.path === "/greet") {
    return res.json(greet(name));
  }
  return res.text("Ask for /greet?name=You");
};
