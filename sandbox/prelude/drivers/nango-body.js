// Bodies of a function's HTTP calls: what axios makes of `data`, and of the
// bytes that come back.
const S = globalThis.__strata;
const { lib } = S;
const N = (S.nango ??= {});
const { Blob, Buffer, File, FormData, URLSearchParams } = globalThis;
const { parse } = JSON;

const WITH_BODY = new Set(["POST", "PUT", "PATCH", "DELETE"]);
const FORM = "application/x-www-form-urlencoded";
const none = { kind: "none" };

const isStream = (data) => data !== null && typeof data === "object" && typeof data[Symbol.asyncIterator] === "function";

const collect = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(typeof chunk === "string" ? lib.utf8Encode(chunk) : lib.bytesOf(chunk));
  return lib.concat(chunks, 0);
};

// `a[b]=1`, `list[]=2`, as axios flattens an object for a form.
const flatten = (data, add) => {
  const walk = (value, name) => {
    if (value === undefined) return;
    if (value === null) add(name, "");
    else if (value instanceof Date) add(name, value.toISOString());
    else if (Array.isArray(value)) value.forEach((item, i) => walk(item, item !== null && typeof item === "object" ? `${name}[${i}]` : `${name}[]`));
    else if (typeof value === "object" && !lib.isBufferSource(value) && !lib.isBlob(value)) {
      for (const key of Object.keys(value)) walk(value[key], `${name}[${key}]`);
    } else add(name, value);
  };
  for (const key of Object.keys(data)) walk(data[key], key);
};

const urlencoded = (data) => {
  const params = new URLSearchParams();
  flatten(data, (name, value) => params.append(name, String(value)));
  return params.toString();
};

const multipart = (data) => {
  const form = new FormData();
  const add = (name, value) => {
    if (value === undefined || value === null) return;
    if (Array.isArray(value)) for (const item of value) add(name, item);
    else if (lib.isBufferSource(value)) form.append(name, new File([value], name));
    else if (lib.isBlob(value)) form.append(name, value);
    else if (value instanceof Date) form.append(name, value.toISOString());
    else if (typeof value === "object") form.append(name, N.json(value));
    else form.append(name, String(value));
  };
  for (const key of Object.keys(data)) add(key, data[key]);
  const { bytes, type } = lib.encodeMultipart(form);
  return { kind: "multipart", contentType: type, bytes };
};

// A text under a JSON content type: sent as it is when it is JSON, else as a
// JSON string.
const jsonText = (text) => {
  try {
    parse(text);
    return text.trim();
  } catch {
    return N.json(text);
  }
};

// { kind, contentType?, bytes? }: `kind` as in the operation `nango.http`,
// `contentType` only where the caller's headers have none that fits.
N.requestBody = async (method, headers, data) => {
  if (!WITH_BODY.has(method) || data === undefined || data === null) return none;
  const type = String(headers["content-type"] ?? "").toLowerCase();
  // A form's type is axios' own choice where nothing else was said.
  const assumed = type === "" && method !== "DELETE" ? FORM : undefined;
  if (lib.isBlob(data)) return { kind: "bytes", contentType: type === "" ? data.type || assumed : undefined, bytes: lib.blobBytes(data) };
  if (lib.isBufferSource(data)) return { kind: "bytes", contentType: assumed, bytes: lib.bytesOf(data) };
  if (data instanceof URLSearchParams) {
    return { kind: "form", contentType: type === "" ? `${FORM};charset=utf-8` : undefined, bytes: lib.utf8Encode(data.toString()) };
  }
  if (typeof data === "string") {
    if (type.includes("application/json")) return { kind: "json", bytes: lib.utf8Encode(jsonText(data)) };
    return { kind: "text", contentType: assumed, bytes: lib.utf8Encode(data) };
  }
  if (isStream(data)) return { kind: "bytes", contentType: assumed, bytes: await collect(data) };
  if (typeof data === "object") {
    if (type.includes("multipart/form-data")) return multipart(data);
    if (type.includes(FORM)) return { kind: "form", bytes: lib.utf8Encode(urlencoded(data)) };
  }
  return { kind: "json", contentType: type === "" ? "application/json" : undefined, bytes: N.jsonBytes(data) };
};

const stripBom = (text) => (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);

// What `response.data` is.
N.responseData = (bytes, responseType, contentType) => {
  const buffer = () => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (responseType === "arraybuffer") return buffer();
  if (responseType === "stream") return S.require("node:stream").Readable.from([buffer()], { objectMode: false });
  if (responseType === "blob") return new Blob([bytes], { type: contentType ?? "" });
  const text = stripBom(N.text(bytes));
  if (text === "" || (responseType !== undefined && responseType !== "json")) return text;
  try {
    return parse(text);
  } catch {
    return text;
  }
};
