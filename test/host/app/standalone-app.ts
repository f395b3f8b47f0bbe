/** An application on a standalone pool in a folder of its own, reached without a socket. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { AppServer } from "../../../host/app/app-server.ts";
import type { LoadedApp } from "../../../host/app/app.ts";
import { StandalonePool } from "../../../host/standalone-pool.ts";
import { openStore } from "../../../host/store/sqlite-store.ts";
import { parsePoolId } from "../../../shared/ids.ts";
import { systemRandom } from "../../../shared/random.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { silent } from "./fake-pool-access.ts";

export interface StandaloneApp {
  readonly fastify: FastifyInstance;
  readonly pool: StandalonePool;
  /** What `pool.checkpoint` was asked for. */
  readonly checkpoints: readonly string[];
  close(): Promise<void>;
}

export async function startStandaloneApp(app: LoadedApp): Promise<StandaloneApp> {
  const folder = mkdtempSync(join(tmpdir(), "hotspare-app-"));
  const id = parsePoolId("main");
  const store = openStore({ file: join(folder, "state.db"), pool: id, durability: "full" });
  const fatal = (error: Error): never => {
    throw error;
  };
  const pool = StandalonePool.start({ id, store, schema: app.schema, clock: systemClock, random: systemRandom, fatal });
  const checkpoints: string[] = [];
  const access = Object.assign(pool, { checkpoint: (reason: string) => void checkpoints.push(reason) });
  const { fastify } = await AppServer.create({ access, app, log: silent });
  const close = async (): Promise<void> => {
    await fastify.close();
    pool.close();
    rmSync(folder, { recursive: true });
  };
  return { fastify, pool, checkpoints, close };
}
