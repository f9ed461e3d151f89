import type { Order } from "./main.js";

const CENTS = 100;

/** The sum of an order, exact to the cent. */
export function total(order: Order): number {
  const cents = order.items.reduce((sum, item) => sum + Math.round(item.price * CENTS) * item.quantity, 0);
  return cents / CENTS;
}
