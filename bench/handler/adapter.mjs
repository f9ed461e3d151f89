// As much of the function contract as the handler of the benchmarks uses.
import handler from "./main.js";

export async function answer(target) {
  const url = new URL(target, "http://localhost");
  const logs = [];
  const { body, headers, statusCode } = await handler({
    req: { method: "GET", path: url.pathname, query: Object.fromEntries(url.searchParams) },
    res: {
      json: (value, statusCode = 200) => ({
        body: JSON.stringify(value),
        headers: { "content-type": "application/json" },
        statusCode,
      }),
    },
    log: (text) => logs.push(text),
  });
  // The outcome of an execution, as the server answers it.
  return {
    statusCode,
    body: JSON.stringify({
      status: "completed",
      responseStatusCode: statusCode,
      responseBody: body,
      responseHeaders: Object.entries(headers).map(([name, value]) => ({ name, value })),
      logs: logs.join("\n"),
    }),
  };
}
