// Numbers in a Buffer: readInt32LE, writeDoubleBE and their family.
(() => {
  "use strict";
  const { lib } = globalThis.__strata;
  const proto = globalThis.Buffer.prototype;
  const methods = {};

  function check(buffer, offset, width) {
    if (typeof offset !== "number") throw lib.argType("offset", "of type number", offset);
    if (offset >= 0 && Number.isInteger(offset) && offset + width <= buffer.length) return;
    if (!Number.isInteger(offset)) throw lib.outOfRange("offset", "an integer", offset);
    if (buffer.length - width < 0) throw lib.nodeError(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", "Attempt to access memory outside buffer bounds");
    throw lib.outOfRange("offset", `>= 0 and <= ${buffer.length - width}`, offset);
  }

  function checkWidth(width) {
    if (!(width >= 1 && width <= 6)) throw lib.outOfRange("byteLength", ">= 1 and <= 6", width);
  }

  function readUnsigned(buffer, offset, width, little) {
    check(buffer, offset, width);
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 256 + buffer[little ? offset + width - 1 - i : offset + i];
    return value;
  }

  function readSigned(buffer, offset, width, little) {
    const value = readUnsigned(buffer, offset, width, little);
    const half = 2 ** (8 * width - 1);
    return value >= half ? value - 2 * half : value;
  }

  function writeInteger(buffer, value, offset, width, little, signed) {
    value = +value;
    const limit = 2 ** (8 * width);
    const [min, max] = signed ? [-limit / 2, limit / 2 - 1] : [0, limit - 1];
    if (value < min || value > max) throw lib.outOfRange("value", `>= ${min} and <= ${max}`, value);
    check(buffer, offset, width);
    let rest = Math.trunc(value) || 0;
    if (rest < 0) rest += limit;
    for (let i = 0; i < width; i++) {
      buffer[little ? offset + i : offset + width - 1 - i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return offset + width;
  }

  for (const little of [true, false]) {
    const end = little ? "LE" : "BE";
    for (const width of [1, 2, 4]) {
      const bits = width * 8;
      const suffix = width === 1 ? "8" : `${bits}${end}`;
      if (width === 1 && !little) continue;
      methods[`readInt${suffix}`] = function (offset = 0) {
        return readSigned(this, offset, width, little);
      };
      methods[`writeInt${suffix}`] = function (value, offset = 0) {
        return writeInteger(this, value, offset, width, little, true);
      };
      for (const name of ["UInt", "Uint"]) {
        methods[`read${name}${suffix}`] = function (offset = 0) {
          return readUnsigned(this, offset, width, little);
        };
        methods[`write${name}${suffix}`] = function (value, offset = 0) {
          return writeInteger(this, value, offset, width, little, false);
        };
      }
    }
    methods[`readInt${end}`] = function (offset, width) {
      checkWidth(width);
      return readSigned(this, offset, width, little);
    };
    methods[`writeInt${end}`] = function (value, offset, width) {
      checkWidth(width);
      return writeInteger(this, value, offset, width, little, true);
    };
    for (const name of ["UInt", "Uint"]) {
      methods[`read${name}${end}`] = function (offset, width) {
        checkWidth(width);
        return readUnsigned(this, offset, width, little);
      };
      methods[`write${name}${end}`] = function (value, offset, width) {
        checkWidth(width);
        return writeInteger(this, value, offset, width, little, false);
      };
    }

    const view = (buffer, offset, width) => {
      check(buffer, offset, width);
      return new DataView(buffer.buffer, buffer.byteOffset + offset, width);
    };
    for (const [name, kind, width] of [["Float", "Float32", 4], ["Double", "Float64", 8]]) {
      methods[`read${name}${end}`] = function (offset = 0) {
        return view(this, offset, width)[`get${kind}`](0, little);
      };
      methods[`write${name}${end}`] = function (value, offset = 0) {
        view(this, offset, width)[`set${kind}`](0, +value, little);
        return offset + width;
      };
    }
    for (const [names, kind, min, max] of [
      [["BigInt64"], "BigInt64", -(2n ** 63n), 2n ** 63n - 1n],
      [["BigUInt64", "BigUint64"], "BigUint64", 0n, 2n ** 64n - 1n],
    ]) {
      for (const name of names) {
        methods[`read${name}${end}`] = function (offset = 0) {
          return view(this, offset, 8)[`get${kind}`](0, little);
        };
        methods[`write${name}${end}`] = function (value, offset = 0) {
          if (typeof value !== "bigint") throw lib.argType("value", "of type bigint", value);
          if (value < min || value > max) throw lib.outOfRange("value", `>= ${min}n and <= ${max}n`, value);
          view(this, offset, 8)[`set${kind}`](0, value, little);
          return offset + 8;
        };
      }
    }
  }
  lib.methods(proto, methods);
})();
