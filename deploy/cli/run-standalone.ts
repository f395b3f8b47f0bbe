/** The process behind `hotspare host --standalone`: one application, without a vault and without failover, until it is told to stop. */
import { resolve } from "node:path";
import { serve } from "../../host/app/serve.ts";
import { killItself } from "../../shared/kill-itself.ts";
import { nextSignal } from "../../shared/next-signal.ts";

export interface StandaloneChoice {
  /** `spaces`, a path, or a package's name. */
  readonly app: string;
  /** Folder of its state. */
  readonly data: string;
  /** `host:port`. */
  readonly listen: string;
}

/** Exits with 0 when it has stopped; a second signal stops at once. @throws {HotspareError} what `serve` throws. */
export async function runStandalone({ app, data, listen }: StandaloneChoice): Promise<void> {
  const service = await serve(isPath(app) ? resolve(app) : app, { standalone: true, data, listen });
  await nextSignal();
  void nextSignal().then(killItself);
  await service.close();
  process.exit(0);
}

const isPath = (app: string): boolean => /^\.{0,2}\//.test(app);
