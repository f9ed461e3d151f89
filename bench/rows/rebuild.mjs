// All read models from the first event on.
import { measured } from "../lib/processes.mjs";
import { number, over, rate, times, verdict } from "../lib/table.mjs";

export async function rebuild(bench) {
  const { programs, folder, settings } = bench;
  const dir = folder();
  const ours = [];
  const peer = [];
  for (let round = 0; round < Math.min(bench.rounds, 2); round += 1) {
    ours.push(await measured(programs.measure, "rebuild", { dir, events: settings.rebuildEvents }));
    peer.push(await measured(programs.peer, "rebuild", { dir: folder(), events: settings.peerRebuildEvents }));
  }
  const theirs = over(peer, (one) => one.per_second);
  const row = (what, name) => {
    const mine = over(ours, (one) => one[`${name}_per_second`]);
    return {
      what,
      ours: `${rate(mine)} (${number(over(ours, (one) => one[`${name}_seconds`]))} s for ${number(ours[0].events)} events), ${number(over(ours, (one) => one[`${name}_processor_us`]))} µs of processor each`,
      peer: `${rate(theirs)} (measured on ${number(peer[0].events)} events), ${number(over(peer, (one) => one.processor_us))} µs of processor each`,
      ratio: times(mine / theirs),
      floor: times(15),
      aim: times(40),
      verdict: verdict(mine / theirs, 15, 40),
    };
  };
  const theirName = "peer: QueryReplay + GenericQuery on sqlite-es, a view per aggregate type";
  return [
    row(`Rebuild of all read models beside those that are read; ${theirName}`, "rebuild"),
    row("The same into a new file", "first"),
  ];
}
