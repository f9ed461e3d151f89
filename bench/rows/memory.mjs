// Resident memory of the server: idle, and with many deployed functions.
import { startStrata } from "../lib/strata.mjs";
import { number, verdict } from "../lib/table.mjs";
import { uploads } from "./deploys.mjs";

export async function memory(bench) {
  const { hello } = await uploads(bench);
  const count = bench.settings.deployed;
  const server = await startStrata(bench, "memory");
  let idle, after, done, seconds;
  try {
    await new Promise((resolve) => setTimeout(resolve, 3000));
    idle = await server.resident();
    const load = { ...hello, prefix: "m", count, clients: 4, "max-seconds": bench.settings.deployedSeconds };
    ({ done, seconds } = await server.load("deploys", load));
    await new Promise((resolve) => setTimeout(resolve, 3000));
    after = await server.resident();
  } finally {
    await server.stop();
  }
  const row = (what, mebibytes, floor, aim) => ({
    what,
    ours: `${number(mebibytes)} MiB`,
    floor: `${floor} MiB`,
    aim: `${aim} MiB`,
    verdict: verdict(mebibytes, floor, aim, "lower"),
  });
  const whole = done >= 10_000;
  return [
    row("Memory of the idle server (resident)", idle, 200, 80),
    {
      ...row(`Memory with ${number(done)} deployed functions, each executed once (${number(done / seconds)} deployments/s)`, after, 800, 300),
      ...(whole ? {} : { floor: "800 MiB at 10 000", aim: "300 MiB at 10 000" }),
    },
  ];
}
