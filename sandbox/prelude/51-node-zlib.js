// node:zlib: whole buffers at once, sync, by callback and by promisify; the
// stream classes collect their input and work when it ends. Flush modes and
// dictionaries are left out.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { Transform } = lib;

  const constants = {
    Z_NO_FLUSH: 0, Z_PARTIAL_FLUSH: 1, Z_SYNC_FLUSH: 2, Z_FULL_FLUSH: 3, Z_FINISH: 4, Z_BLOCK: 5, Z_OK: 0, Z_STREAM_END: 1, Z_NEED_DICT: 2,
    Z_ERRNO: -1, Z_STREAM_ERROR: -2, Z_DATA_ERROR: -3, Z_MEM_ERROR: -4, Z_BUF_ERROR: -5, Z_VERSION_ERROR: -6, Z_NO_COMPRESSION: 0,
    Z_BEST_SPEED: 1, Z_BEST_COMPRESSION: 9, Z_DEFAULT_COMPRESSION: -1, Z_FILTERED: 1, Z_HUFFMAN_ONLY: 2, Z_RLE: 3, Z_FIXED: 4,
    Z_DEFAULT_STRATEGY: 0, Z_MIN_WINDOWBITS: 8, Z_MAX_WINDOWBITS: 15, Z_DEFAULT_WINDOWBITS: 15, Z_MIN_CHUNK: 64, Z_MAX_CHUNK: Infinity,
    Z_DEFAULT_CHUNK: 16384, Z_MIN_MEMLEVEL: 1, Z_MAX_MEMLEVEL: 9, Z_DEFAULT_MEMLEVEL: 8, Z_MIN_LEVEL: -1, Z_MAX_LEVEL: 9, Z_DEFAULT_LEVEL: -1,
    DEFLATE: 1, INFLATE: 2, GZIP: 3, GUNZIP: 4, DEFLATERAW: 5, INFLATERAW: 6, UNZIP: 7, BROTLI_DECODE: 8, BROTLI_ENCODE: 9,
    BROTLI_OPERATION_PROCESS: 0, BROTLI_OPERATION_FLUSH: 1, BROTLI_OPERATION_FINISH: 2, BROTLI_PARAM_MODE: 0, BROTLI_MODE_GENERIC: 0,
    BROTLI_MODE_TEXT: 1, BROTLI_MODE_FONT: 2, BROTLI_PARAM_QUALITY: 1, BROTLI_MIN_QUALITY: 0, BROTLI_MAX_QUALITY: 11, BROTLI_DEFAULT_QUALITY: 11,
    BROTLI_PARAM_LGWIN: 2, BROTLI_PARAM_LGBLOCK: 3, BROTLI_PARAM_SIZE_HINT: 5,
  };

  function run(op, format, input, options) {
    const data = typeof input === "string" ? lib.utf8Encode(input) : lib.isBufferSource(input) ? lib.bytesOf(input) : null;
    if (data === null) throw lib.argType("buffer", "of type string or an instance of Buffer, TypedArray, DataView, or ArrayBuffer", input);
    const level = format === "brotli" ? options?.params?.[constants.BROTLI_PARAM_QUALITY] : options?.level;
    const arg = { format };
    if (level !== undefined && level >= 0) arg.level = level;
    let out;
    if (op === "zlib.inflate" && format === "gzip" && data.length > 1 && (data[0] !== 0x1f || data[1] !== 0x8b)) {
      throw Object.assign(lib.nodeError(Error, "Z_DATA_ERROR", "incorrect header check"), { errno: -3 });
    }
    try {
      out = S.call(op, arg, data).data;
    } catch (error) {
      if (error instanceof RangeError) throw lib.nodeError(RangeError, "ERR_BUFFER_TOO_LARGE", error.message);
      const short = /unexpected end/i.test(error.message);
      const failed = lib.nodeError(Error, short ? "Z_BUF_ERROR" : "Z_DATA_ERROR", error.message);
      failed.errno = short ? -5 : -3;
      throw failed;
    }
    if (options?.maxOutputLength !== undefined && out.length > options.maxOutputLength)
      throw lib.nodeError(RangeError, "ERR_BUFFER_TOO_LARGE", `Cannot create a Buffer larger than ${options.maxOutputLength} bytes`);
    return lib.toBuffer(out);
  }

  const zlib = { constants: Object.freeze(constants), codes: {} };
  for (const key of Object.keys(constants)) if (key.startsWith("Z_")) zlib[key] = constants[key];

  for (const [name, method, op, format] of [
    ["Gzip", "gzip", "zlib.deflate", "gzip"], ["Gunzip", "gunzip", "zlib.inflate", "gzip"], ["Deflate", "deflate", "zlib.deflate", "zlib"],
    ["Inflate", "inflate", "zlib.inflate", "zlib"], ["DeflateRaw", "deflateRaw", "zlib.deflate", "raw"], ["InflateRaw", "inflateRaw", "zlib.inflate", "raw"],
    ["Unzip", "unzip", "zlib.inflate", "auto"], ["BrotliCompress", "brotliCompress", "zlib.deflate", "brotli"], ["BrotliDecompress", "brotliDecompress", "zlib.inflate", "brotli"],
  ]) {
    zlib[`${method}Sync`] = (input, options) => run(op, format, input, options);
    zlib[method] = (input, options, callback) => {
      if (typeof options === "function") [callback, options] = [options, {}];
      lib.callLater(callback, () => run(op, format, input, options));
    };
    class Codec extends Transform {
      #chunks = [];
      #options;
      bytesWritten = 0;
      constructor(options = {}) {
        super({ ...options, objectMode: false, highWaterMark: undefined });
        this.#options = options;
      }
      _transform(chunk, encoding, callback) {
        this.#chunks.push(lib.copyBytes(chunk));
        this.bytesWritten += chunk.length;
        callback();
      }
      _flush(callback) {
        let out;
        try {
          if (op === "zlib.inflate" && this.bytesWritten === 0) return callback();
          out = run(op, format, lib.concat(this.#chunks, 0), this.#options);
        } catch (error) {
          return callback(error);
        }
        for (let i = 0; i < out.length; i += 65536) this.push(out.subarray(i, i + 65536));
        callback();
      }
      flush(kind, callback) {
        (typeof kind === "function" ? kind : callback)?.();
      }
      close(callback) {
        if (callback) this.once("close", callback);
        this.destroy();
      }
    }
    Object.defineProperty(Codec, "name", { value: name });
    const ctor = function (options) {
      return new Codec(options);
    };
    Object.defineProperty(ctor, "name", { value: name });
    ctor.prototype = Codec.prototype;
    zlib[name] = ctor;
    zlib[`create${name}`] = (options) => new Codec(options);
  }
  zlib.crc32 = (data, value = 0) => S.call("zlib.crc32", { value }, typeof data === "string" ? lib.utf8Encode(data) : lib.bytesOf(data)).value;
  S.modules["node:zlib"] = () => zlib;
})();
