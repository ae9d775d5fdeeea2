/**
 * What a client asks of a binding. It runs in the tenant's code, and in the dispatcher for its own binding.
 *
 * @param {any} binding
 * @param {{ verb: string, id?: string, args: any[] }} asked
 */
export async function act(binding, { verb, id, args }) {
  const idOf = async (instance) => await (await instance).id;
  try {
    return { value: await acted() };
  } catch (error) {
    return { error: { name: error.name, message: error.message } };
  }
  async function acted() {
    if (id === undefined) {
      const made = await binding[verb](...args);
      if (verb === "create" || verb === "get") return await idOf(made);
      if (verb !== "createBatch") return made;
      if (Array.isArray(made)) return await Promise.all(made.map(idOf));
      return { created: await Promise.all(made.created.map(idOf)), errors: made.errors };
    }
    const instance = await binding.get(id);
    if (verb === "events") {
      const told = [];
      const events = await instance.subscribe(...args);
      for (let next = await events.next(); !next.done; next = await events.next()) told.push(next.value);
      return told;
    }
    return await instance[verb](...args);
  }
}
