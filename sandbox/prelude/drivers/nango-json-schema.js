// zod schemas as JSON Schema (draft 7), by zod itself, all under one
// `definitions`.
const S = globalThis.__strata;
const N = (S.nango ??= {});

// zod's registry of descriptions, without the ids under which functions
// register schemas: zod would make references of them, and refuse an id that
// is there twice.
const unnamed = (registry) => ({
  get(schema) {
    const meta = registry.get(schema);
    if (meta === undefined || meta.id === undefined) return meta;
    const { id, ...kept } = meta;
    return kept;
  },
});

const override = ({ zodSchema, jsonSchema }) => {
  const { type } = zodSchema._zod.def;
  if (type === "date") Object.assign(jsonSchema, { type: "string", format: "date-time" });
  else if (type === "void") jsonSchema.type = "null";
};

// References of a schema that contains itself are to the whole document: `#`
// is what stands under `name`, and its own definitions move up beside it.
const moved = (value, name) => {
  if (Array.isArray(value)) return value.map((item) => moved(item, name));
  if (value === null || typeof value !== "object") return value;
  const out = {};
  for (const key of Object.keys(value)) {
    const inner = value[key];
    if (key !== "$ref" || typeof inner !== "string") out[key] = moved(inner, name);
    else if (inner === "#") out[key] = `#/definitions/${name}`;
    else out[key] = inner.replace(/^#\/definitions\/(.*)$/, (_, local) => `#/definitions/${name}${local}`);
  }
  return out;
};

// Adds the schema, and what it refers to, to `definitions`.
N.define = (definitions, name, schema) => {
  const zod = S.require("zod");
  let json;
  try {
    json = zod.toJSONSchema(schema, {
      target: "draft-7",
      unrepresentable: "any",
      metadata: unnamed(zod.globalRegistry),
      override,
    });
  } catch {
    // A schema that zod cannot convert says nothing.
    json = {};
  }
  const { $schema, definitions: local = {}, ...own } = json;
  definitions[name] = moved(own, name);
  for (const key of Object.keys(local)) definitions[name + key] = moved(local[key], name);
};
