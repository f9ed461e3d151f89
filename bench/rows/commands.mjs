// Durable commands through the bus, and over HTTP.
import { measured } from "../lib/processes.mjs";
import { startStrata } from "../lib/strata.mjs";
import { milliseconds, number, over, rate, times, verdict } from "../lib/table.mjs";

const show = (rounds) =>
  `${rate(over(rounds, (one) => one.per_second))}, p50 ${milliseconds(over(rounds, (one) => one.p50_us))}, ` +
  `p99 ${milliseconds(over(rounds, (one) => one.p99_us))}`;
const spent = (rounds) => `, ${number(over(rounds, (one) => one.processor_us))} µs of processor each`;

export async function commands(bench) {
  const { programs, rounds, folder, settings } = bench;
  const work = { clients: 64, functions: 2000, commands: settings.commands, "max-seconds": settings.seconds };
  const ours = { no: [], yes: [] };
  const peer = { full: [], default: [], views: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const views of ["no", "yes"]) {
      ours[views].push(await measured(programs.measure, "commands", { ...work, views, dir: folder() }));
      const flush = views === "no" ? "full" : "default";
      peer[flush].push(await measured(programs.peer, "commands", { ...work, flush, dir: folder() }));
    }
    peer.views.push(await measured(programs.peer, "commands", { ...work, views: "yes", dir: folder() }));
  }
  const against = (mine, theirs) =>
    over(mine, (one) => one.per_second) / over(theirs, (one) => one.per_second);
  const row = (what, mine, theirs, floor, aim) => ({
    what,
    ours: show(mine) + spent(mine),
    peer: show(theirs) + spent(theirs),
    ratio: times(against(mine, theirs)),
    floor: floor && times(floor),
    aim: aim && times(aim),
    verdict: floor && verdict(against(mine, theirs), floor, aim),
  });
  const title = "Durable commands, 64 clients, 2 000 functions";
  return [
    row(`${title}; peer: cqrs-es + sqlite-es at synchronous FULL`, ours.no, peer.full, 8, 25),
    row(`${title}; peer at its default (synchronous NORMAL)`, ours.no, peer.default, 2, 8),
    row(`${title}, answered after the read models have them; peer: FULL, with one view`, ours.yes, peer.views),
  ];
}

export async function commandsOverHttp(bench) {
  const server = await startStrata(bench, "http-commands");
  const rounds = [];
  try {
    for (let round = 0; round < bench.rounds; round += 1) {
      rounds.push(
        await server.load("commands", {
          clients: 64,
          functions: 2000,
          commands: bench.settings.commands / 2,
          "max-seconds": bench.settings.seconds,
          seed: round + 1,
        }),
      );
    }
  } finally {
    await server.stop();
  }
  return [{ what: "The same over HTTP (a variable changes in the place of each activation)", ours: show(rounds) }];
}
