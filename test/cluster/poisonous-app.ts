/** Spaces, and requests that kill the process that handles them, before anything of them is journalled. */
import type { App } from "hotspare";
import spaces, { schema as spacesSchema } from "../../host/app/spaces/plugin.ts";

export const schema = spacesSchema;

// oxlint-disable-next-line import/no-default-export -- an application is the default export of its module
export default ((app, options) => {
  spaces(app, options);
  app.post("/poison/handler", async () => die());
  app.post("/poison/write", async (request) => (await options.pool.write(request, () => die())).value);
}) satisfies App;

function die(): null {
  process.kill(process.pid, "SIGKILL");
  return null;
}
