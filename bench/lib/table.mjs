// What a row says, and the table of all of them.

/** The median of some numbers. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of one value over all rounds. */
export const over = (rounds, value) => median(rounds.map(value));

export function number(value) {
  if (value >= 1000) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, " ");
  if (value >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export const milliseconds = (micros) => `${number(micros / 1000)} ms`;
export const rate = (perSecond) => `${number(perSecond)}/s`;
export const times = (ratio) => `${number(ratio)}×`;

/**
 * Holds a value against its floor and its aim. `better` says which way is
 * better: "higher" (the default) or "lower".
 */
export function verdict(value, floor, aim, better = "higher") {
  const reaches = (bound) => (better === "higher" ? value >= bound : value <= bound);
  if (reaches(aim)) return "aim";
  return reaches(floor) ? "floor" : "**below the floor**";
}

const HEAD = ["What", "Strata", "Peer", "Ratio", "Floor", "Aim", "Verdict"];

/** The rows as a Markdown table. */
export function markdown(rows) {
  const cells = rows.map((row) => [row.what, row.ours, row.peer, row.ratio, row.floor, row.aim, row.verdict]);
  const lines = [HEAD, HEAD.map(() => "---"), ...cells];
  return lines.map((line) => `| ${line.map((cell) => cell ?? "–").join(" | ")} |`).join("\n");
}
