/**
 * Runs an application from a user's own `main`, as the command line does: as one host of a cluster, or standalone, in one
 * process without vault and failover. The same application, pool and answers either way.
 */
import type { AppModule } from "./app.ts";
import { checkApp, loadApp } from "./load-app.ts";
import { serveHost, type HostServeOptions } from "./serve-host.ts";
import { serveStandalone, type StandaloneOptions } from "./serve-standalone.ts";
import type { Service } from "./service.ts";

export type ServeOptions = StandaloneOptions | HostServeOptions;

/**
 * `app` is `spaces`, an absolute path or a package's name, or the module itself (`import * as app from "./app.ts"`).
 *
 * @throws {HotspareError} HS_APP_INVALID, HS_DATA_LOCKED, HS_DATA_UNSUITABLE, HS_PORT_TAKEN, HS_USAGE; standalone
 *   HS_SCHEMA_REFUSED and HS_SCHEMA_UNKNOWN; of a host whatever its configuration or its vault is not fit for. Nothing is
 *   left open then.
 */
export async function serve(app: string | AppModule, options: ServeOptions): Promise<Service> {
  const loaded = typeof app === "string" ? await loadApp(app, process.cwd()) : checkApp("the given module", app);
  return "standalone" in options ? await serveStandalone(loaded, options) : await serveHost(loaded, options);
}
