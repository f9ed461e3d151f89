// Variants of bench/functions/nango-action.ts, for both sides.

/** Compilations before the measured ones. */
export const WARM = 8;

const DESCRIPTION = "What a customer bought in a period, by product";

function replaced(text, before, after) {
  if (!text.includes(before)) throw new Error(`the function does not hold ${before}`);
  return text.replace(before, after);
}

/** A source that nobody has seen, as long as its mark is new. */
export const numbered = (text, mark) => replaced(text, DESCRIPTION, `${DESCRIPTION}, ${mark}`);

/** A source that compiles, but does not pass the type checker (TS2551, a misspelt property). */
export const broken = (text) => replaced(text, "order.currency !== currency", "order.curency !== currency");
