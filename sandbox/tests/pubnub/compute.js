const utils = require("utils");
equal(utils.isNumeric(5), true);
equal(utils.isNumeric("five"), false);
equal(["123", " 1.5e3 ", NaN, Infinity, null, "", "  ", [], undefined, true].map(utils.isNumeric), [true, true, false, false, false, false, false, false, false, false]);
const drawn = Array.from({ length: 200 }, () => utils.randomInt(2, 5));
equal([Math.min(...drawn), Math.max(...drawn), drawn.every(Number.isInteger)], [2, 4, true]);
equal(utils.randomInt(7, 8), 7);
throws(() => utils.randomInt(3, 3), "RangeError");

const math = require("advanced_math");
equal(math.deg2rad(180), Math.PI);
equal(math.getDistance(37.7749, -122.4194, 37.7749, -122.4194), 0);
// London to New York, and halfway around.
equal(Math.round(math.getDistance(51.5074, -0.1278, 40.7128, -74.006)), 3461);
equal(Math.abs(math.getDistance(0, 0, 0, 180) - Math.PI * 3958.7559) < 1e-6, true);

equal(await require("promise").resolve(3), 3);

const uuid = require("uuid");
for (const [make, version] of [[uuid.v1, 1], [uuid.v4, 4]]) {
  const [a, b] = [make(), make()];
  equal([uuid.validate(a), uuid.version(a), a !== b], [true, version, true]);
}
equal(uuid.v3("www.example.com", uuid.v3.DNS), "5df41881-3aed-3515-88a7-2f4a814cf09e");
equal(uuid.v5("www.example.com", uuid.v5.DNS), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
equal(uuid.NIL, "00000000-0000-0000-0000-000000000000");
equal([uuid.NIL, "2ED6657D-E927-568B-95E1-2665A8AEA6A2", "2ed6657d-e927-968b-95e1-2665a8aea6a2", "x", 5].map(uuid.validate), [true, true, false, false, false]);
throws(() => uuid.version("x"), "Invalid UUID");
throws(() => uuid.v5("a", "not a namespace"), "namespace");
