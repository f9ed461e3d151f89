// The examples of the article that JSONPath comes from, and then some.
const jp = require("jsonpath");
const store = () => ({
  store: {
    book: [
      { category: "reference", author: "Nigel Rees", title: "Sayings of the Century", price: 8.95 },
      { category: "fiction", author: "Evelyn Waugh", title: "Sword of Honour", price: 12.99 },
      { category: "fiction", author: "Herman Melville", title: "Moby Dick", isbn: "0-553-21311-3", price: 8.99 },
      { category: "fiction", author: "J. R. R. Tolkien", title: "The Lord of the Rings", isbn: "0-395-19395-8", price: 22.99 },
    ],
    bicycle: { color: "red", price: 19.95 },
  },
});
const data = store();
const titles = (path) => jp.query(data, path).map((book) => book.title.split(" ")[0]);
equal(jp.query(data, "$.store.book[*].author"), ["Nigel Rees", "Evelyn Waugh", "Herman Melville", "J. R. R. Tolkien"]);
equal(jp.query(data, "$..author"), ["Nigel Rees", "Evelyn Waugh", "Herman Melville", "J. R. R. Tolkien"]);
equal(jp.query(data, "$.store.*").length, 2);
equal(jp.query(data, "$.store..price"), [8.95, 12.99, 8.99, 22.99, 19.95]);
equal(titles("$..book[2]"), ["Moby"]);
equal(titles("$..book[(@.length-1)]"), ["The"]);
equal(titles("$..book[-1:]"), ["The"]);
equal(titles("$..book[-1]"), ["The"]);
equal(titles("$..book[0,1]"), ["Sayings", "Sword"]);
equal(titles("$..book[:2]"), ["Sayings", "Sword"]);
equal(titles("$..book[1:4:2]"), ["Sword", "The"]);
equal(titles("$..book[::-2]"), ["The", "Sword"]);
equal(titles("$..book[3:0:-1]"), ["The", "Moby", "Sword"]);
equal(titles("$..book[?(@.isbn)]"), ["Moby", "The"]);
equal(titles("$..book[?(@.price<10)]"), ["Sayings", "Moby"]);
equal(titles("$..book[?(@.price<30 && @.category=='fiction')]"), ["Sword", "Moby", "The"]);
equal(titles("$..book[?(@.price==8.95 || @['title'] === \"Moby Dick\")]"), ["Sayings", "Moby"]);
equal(titles("$..book[?(!@.isbn && @.price * 2 > 20 - 1)]"), ["Sword"]);
equal(titles("$..book[?(@.price > $.store.bicycle.price)]"), ["The"]);
equal(titles("$..book[?(@.title.length <= 9)]"), ["Moby"]);
equal(titles("$..book[?(@.title != 'a, ] b')]").length, 4);
equal(jp.query(data, "$..book[0]['category','author']"), ["reference", "Nigel Rees"]);
equal(jp.query(data, "$['store']['bicycle']['color']"), ["red"]);
equal(jp.query(data, "$..*").length, 27);
equal(jp.query(data, "$"), [data]);
equal(jp.query(data, "store.bicycle.color"), ["red"]);
equal(jp.query(data, "$..price", 2), [8.95, 12.99]);
equal(jp.query(data, "$..price", 0), []);
equal(jp.query(data, "$.nothing.here[0]"), []);
equal(jp.query([[1, 2], [3]], "$[*][0]"), [1, 3]);
equal(jp.query({ "a b": 1, "c'd": 2, "5": 3 }, "$['a b',\"c'd\",'5']"), [1, 2, 3]);
equal(jp.query({ a: [null, false, 0, "x"] }, "$.a[?(@ === null || @ == 'x')]"), [null, "x"]);
equal(jp.query([1, 2, 3], "$[?(@ % 2 === 1)]"), [1, 3]);
equal(jp.query([{ n: -1 }, { n: 1 }], "$[?(@.n == -1)]"), [{ n: -1 }]);

equal(jp.value(data, "$..price"), 8.95);
equal(jp.value(data, "$.x"), undefined);
equal(jp.paths(data, "$..price")[1], ["$", "store", "book", 1, "price"]);
equal(jp.nodes(data, "$.store.bicycle.*"), [
  { path: ["$", "store", "bicycle", "color"], value: "red" },
  { path: ["$", "store", "bicycle", "price"], value: 19.95 },
]);

const raised = store();
equal(jp.apply(raised, "$..price", (price) => Math.round(price * 2)).map((node) => node.value), [18, 26, 18, 46, 40]);
equal(raised.store.bicycle.price, 40);
const nested = { a: { a: { n: 1 } } };
jp.apply(nested, "$..a", (value) => ({ ...value, seen: Object.keys(value).length }));
equal(nested, { a: { a: { n: 1, seen: 1 }, seen: 1 } });

// Members are own ones, and nothing of a path is run.
equal(jp.query({}, "$.constructor"), []);
equal(jp.query({}, "$..__proto__"), []);
equal(jp.query([1], "$[?(@.constructor)]"), []);
for (const path of ["$[?(process.exit())]", "$[?(@.a())]", "$[?(a = 1)]", "$[?(@.a]", "$.a[", "$[?(1 +)]", "$[a b]", "$ .a", "", "$.", "$[?(`x`)]", "$[::0]"]) {
  throws(() => jp.query([{ a: 1 }], path), "jsonpath");
}
throws(() => jp.query(null, "$"), "TypeError");
throws(() => jp.apply({ a: 1 }, "$", () => 1), "root");
