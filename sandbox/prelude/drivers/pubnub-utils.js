// `require("utils")`, `require("advanced_math")` and `require("promise")`.
// Reference: sections 11.1 and 13.7.
const S = globalThis.__strata;
const P = (S.pubnub ??= {});
const { Promise } = globalThis;
const { random } = Math;

// Miles.
const EARTH = 3958.7559;

P.modules.utils = () => ({
  // From `min` to below `max`.
  randomInt(min, max) {
    const [low, high] = [Math.ceil(Number(min)), Math.ceil(Number(max))];
    if (!Number.isFinite(low) || !Number.isFinite(high) || low >= high) throw new RangeError("utils.randomInt: min must be below max");
    return low + Math.floor(random() * (high - low));
  },
  isNumeric: (value) => (typeof value === "number" ? Number.isFinite(value) : typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value))),
});

P.modules.advanced_math = () => {
  const deg2rad = (degrees) => (degrees * Math.PI) / 180;
  return {
    deg2rad,
    // Haversine, in miles.
    getDistance(lat1, lon1, lat2, lon2) {
      const [a, b] = [deg2rad(lat1), deg2rad(lat2)];
      const half = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(deg2rad(lon2 - lon1) / 2) ** 2;
      return 2 * EARTH * Math.asin(Math.min(1, Math.sqrt(half)));
    },
  };
};

P.modules.promise = () => Promise;
