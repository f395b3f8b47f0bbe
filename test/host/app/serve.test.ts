import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AppModule } from "../../../host/app/app.ts";
import { serve } from "../../../host/app/serve.ts";
import { silent } from "./fake-pool-access.ts";

let data = "";
beforeEach(() => (data = mkdtempSync(join(tmpdir(), "hotspare-serve-"))));
afterEach(() => rmSync(data, { recursive: true }));

const standalone = (listen = "127.0.0.1:0") => ({ standalone: true, data, listen, log: silent }) as const;
const app: AppModule = { default: () => undefined };

describe("serve, standalone", () => {
  it("tells the application that it is primary, answers, and can be started again after close", async () => {
    const events: string[] = [];
    const telling: AppModule = {
      default: (fastify, { pool }) => {
        pool.on("primary", () => events.push("primary"));
        fastify.get("/", () => "ok");
      },
    };
    for (let round = 0; round < 2; round++) {
      const service = await serve(telling, standalone());
      expect(await (await fetch(`http://${service.address}/`)).text()).toBe("ok");
      await Promise.all([service.close(), service.close()]);
    }
    expect(events).toEqual(["primary", "primary"]);
  });

  it("a wrong address, application or schema is refused, and leaves the folder free", async () => {
    for (const listen of ["", "3000", "127.0.0.1:x", "127.0.0.1:70000", ":0"]) {
      await expect(serve(app, standalone(listen))).rejects.toMatchObject({ code: "HS_USAGE" });
    }
    await expect(serve({} as AppModule, standalone())).rejects.toMatchObject({ code: "HS_APP_INVALID" });
    const failing: AppModule = {
      default: () => {
        throw new Error("boom");
      },
    };
    await expect(serve(failing, standalone())).rejects.toThrow("boom");
    const refused: AppModule = { ...app, schema: [{ id: "a", sql: "create table a (id integer)" }] };
    await expect(serve(refused, standalone())).rejects.toMatchObject({ code: "HS_SCHEMA_REFUSED" });
    const service = await serve(app, standalone());
    await service.close();
  });

  it("a port that is taken is named, and leaves the folder free", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    await expect(serve(app, standalone(`127.0.0.1:${port}`))).rejects.toMatchObject({ code: "HS_PORT_TAKEN" });
    await new Promise((resolve) => other.close(resolve));
    await (await serve(app, standalone())).close();
  });

  it("keeps its state where a cluster's never is", async () => {
    await (await serve(app, standalone())).close();
    expect([existsSync(join(data, "standalone", "state.db")), existsSync(join(data, "pools"))]).toEqual([true, false]);
  });
});

describe("serve, as a host", () => {
  it("a configuration that is not there is refused", async () => {
    const options = { host: "host-a", config: join(data, "absent.yaml") };
    await expect(serve(app, options)).rejects.toMatchObject({ code: "HS_CONFIG_UNREADABLE" });
  });
});
