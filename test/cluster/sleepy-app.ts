/** An application whose main thread can be told to stand still, as a loop without end would make it, at no cost. */
import type { App, SchemaEntry } from "hotspare";

export const schema: SchemaEntry[] = [];

// oxlint-disable-next-line import/no-default-export -- an application is the default export of its module
export default (async (app) => {
  app.post("/stand-still", async () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    return null;
  });
}) satisfies App;
