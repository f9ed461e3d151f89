import { z } from "zod";
import { total } from "./total.js";

const Order = z.object({
  customer: z.string().min(1),
  items: z
    .array(z.object({ sku: z.string(), quantity: z.int().positive(), price: z.number().nonnegative() }))
    .min(1),
});

export type Order = z.infer<typeof Order>;

export default async ({ req, res, error }: any) => {
  const parsed = Order.safeParse(req.bodyJson);
  if (!parsed.success) {
    error(z.prettifyError(parsed.error));
    return res.json({ ok: false, issues: parsed.error.issues }, 400);
  }
  return res.json({ ok: true, customer: parsed.data.customer, total: total(parsed.data) });
};
