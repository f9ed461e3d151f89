// Durable commands on PostgreSQL: against cqrs-es + postgres-es, and from two
// nodes on one database.
import { startPostgres } from "../lib/postgres.mjs";
import { measured } from "../lib/processes.mjs";
import { milliseconds, number, over, rate, times, verdict } from "../lib/table.mjs";

const CLIENTS = [16, 64];
/** Clients of two nodes together; one of the above. */
const SHARED = 64;
const FUNCTIONS = 2000;

const show = (rounds) =>
  `${rate(over(rounds, (one) => one.per_second))}, p50 ${milliseconds(over(rounds, (one) => one.p50_us))}, ` +
  `p99 ${milliseconds(over(rounds, (one) => one.p99_us))}`;
const spent = (rounds) => `, ${number(over(rounds, (one) => one.processor_us))} µs of processor each`;

/** Connections of the peer. From 10 to 64 their number makes little difference. */
const connections = (clients) => Math.min(clients, 32);

/** Our events must have one order without gaps, however fast they were. */
async function inOneOrder(sql) {
  const answer = await sql("SELECT count(*), count(position), max(position) FROM events");
  const [events, placed, last] = answer.trim().split("|");
  if (events !== placed || events !== last) throw new Error(`${events} events end at position ${last}`);
}

/** What nodes did at the same time. */
function together(nodes) {
  const sum = (of) => nodes.reduce((sum, one) => sum + of(one), 0);
  return {
    per_second: sum((one) => one.per_second),
    p50_us: sum((one) => one.p50_us) / nodes.length,
    p99_us: Math.max(...nodes.map((one) => one.p99_us)),
  };
}

export async function postgres(bench) {
  const { programs, rounds, settings } = bench;
  const server = await startPostgres(bench);
  // Both sides send as much as they can in the same time.
  const work = { commands: 1e9, "max-seconds": settings.seconds };
  const peer = (clients) =>
    server.database((database) =>
      measured(programs.peer, "commands", {
        ...work,
        functions: FUNCTIONS,
        clients,
        database,
        connections: connections(clients),
      }),
    );
  /** The clients and their functions are shared out to the nodes, each a process. */
  const ours = (clients, nodes = 1) =>
    server.database(async (database, sql) => {
      const share = { ...work, functions: FUNCTIONS / nodes, clients: clients / nodes, database };
      const node = (_, index) => measured(programs.measure, "commands", { ...share, seed: index + 1 });
      const all = await Promise.all(Array.from({ length: nodes }, node));
      await inOneOrder(sql);
      return all.length === 1 ? all[0] : together(all);
    });

  const one = new Map(CLIENTS.map((clients) => [clients, { ours: [], peer: [] }]));
  const two = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const [clients, result] of one) {
        result.ours.push(await ours(clients));
        result.peer.push(await peer(clients));
      }
      two.push(await ours(SHARED, 2));
    }
  } finally {
    await server.stop();
  }
  const ratio = (mine, theirs) =>
    over(mine, (one) => one.per_second) / over(theirs, (one) => one.per_second);
  return [
    ...[...one].map(([clients, { ours, peer }]) => ({
      what:
        `Durable commands on PostgreSQL, ${clients} clients, 2 000 functions, one order without gaps; ` +
        `peer: cqrs-es + postgres-es, ${connections(clients)} connections, no order`,
      ours: show(ours) + spent(ours),
      peer: show(peer) + spent(peer),
      ratio: times(ratio(ours, peer)),
      floor: times(3),
      aim: times(8),
      verdict: verdict(ratio(ours, peer), 3, 8),
    })),
    {
      what: `Two nodes on one PostgreSQL database ÷ one, ${SHARED} clients together`,
      ours: `two: ${show(two)}`,
      peer: `one: ${show(one.get(SHARED).ours)}`,
      ratio: times(ratio(two, one.get(SHARED).ours)),
    },
  ];
}
