/** The application of a chaos run: spaces and counters in one pool, so that one history has documents and increments. */
import type { App } from "hotspare";
import counter, { schema as counterSchema } from "../../examples/counter/app.ts";
import spaces, { schema as spacesSchema } from "../../host/app/spaces/plugin.ts";

export const schema = [...spacesSchema, ...counterSchema];

// oxlint-disable-next-line import/no-default-export -- an application is the default export of its module
export default (async (app, options) => {
  spaces(app, options);
  await counter(app, options);
}) satisfies App;
