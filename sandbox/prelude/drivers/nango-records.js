// The members that only syncs have: storing, deleting and reading records.
const S = globalThis.__strata;
const N = (S.nango ??= {});
const CHUNK = 1000;
const READ_CHUNK = 100;
const STRATEGIES = ["override", "ignore_if_modified_after"];

const chunksOf = (list, size) => Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));

// A record as it is sent.
const recordOf = (record, model) => {
  if (record === null || typeof record !== "object") throw new Error(`A record of the model '${model}' is not an object`);
  const { id } = record;
  if (!id || (typeof id !== "string" && typeof id !== "number")) throw new Error(`A record of the model '${model}' has no id, which must be a string or a number`);
  if (typeof id === "string" && id.length > 255) throw new Error(`The id of a record of the model '${model}' is longer than 255 characters`);
  if (!("_nango_metadata" in record)) return record;
  const { _nango_metadata, ...kept } = record;
  return kept;
};

N.records = (run, write) => {
  const { definition, dry } = run;
  const declared = Object.keys(definition.models ?? {});
  const merging = new Map();

  const check = (model) => {
    if (!declared.includes(model)) throw new Error(`The model '${model}' is not included in the declared sync models: ${declared.join(", ")}`);
  };

  const batch = (op) => async (records, model) => {
    check(model);
    if (!records || records.length === 0) return true;
    const ready = Array.from(records, (record) => recordOf(record, model));
    if (dry && op === "save") N.warnRecords(ready, definition.models[model], model);
    for (const chunk of chunksOf(ready, CHUNK)) {
      const answer = await N.ask("nango.records", { op, model }, N.jsonBytes(chunk));
      if (answer.error) throw N.plainError(answer.error, `The records of the model '${model}' could not be stored`);
      for (const id of answer.duplicates ?? []) write("error", `A record of the model '${model}' was left out: its id '${id}' is there twice in one batch`);
    }
    return true;
  };

  const track = async (op, model, otherwise) => {
    check(model);
    const answer = await N.ask("nango.track-deletes", { op, model });
    if (answer?.error) throw N.plainError(answer.error, otherwise);
    return { deletedKeys: answer?.deletedKeys ?? [] };
  };

  const batchSave = batch("save");
  return {
    batchSave,
    batchSend: batchSave,
    batchUpdate: batch("update"),
    batchDelete: batch("delete"),
    async trackDeletesStart(model) {
      await track("start", model);
    },
    trackDeletesEnd: (model) => track("end", model, `No track deletes starting point found for model '${model}'.`),
    deleteRecordsFromPreviousExecutions: (model) => track("previous", model),

    async getRecordsByIds(ids, model) {
      check(model);
      const found = new Map();
      const keys = new Map(Array.from(ids, (id) => [String(id), id]));
      for (const chunk of chunksOf([...keys.keys()], READ_CHUNK)) {
        const { records } = await N.ask("nango.records-get", { model, ids: chunk });
        for (const record of records) found.set(keys.get(String(record.id)), record);
      }
      return found;
    },

    async *listRecords(model, { cursor, limit } = {}) {
      check(model);
      do {
        const page = await N.ask("nango.records-list", { model, cursor, limit });
        yield* page.records;
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
    },

    async setMergingStrategy({ strategy } = {}, model) {
      check(model);
      if (!STRATEGIES.includes(strategy)) throw new Error(`The merging strategy must be one of: ${STRATEGIES.join(", ")}`);
      if (merging.has(model)) {
        write("warn", `The merging strategy of the model '${model}' was set before in this run and is not changed`);
        return;
      }
      const answer = await N.ask("nango.merging", { model, strategy });
      if (answer?.error) throw N.plainError(answer.error, "The merging strategy could not be set");
      merging.set(model, strategy);
    },
  };
};
