// One request, one process: `node once.mjs /path?query` prints the answer.
import { answer } from "./adapter.mjs";

const { body } = await answer(process.argv[2] ?? "/");
process.stdout.write(body);
