/**
 * A sync that fails, in one process, under load. Of a file: its temporary file is given up, and whoever wrote hears that
 * nothing was written. Of a folder: nobody knows what of it will be lost, and asking again would only say "fine"; so that
 * process never acknowledges there again, steps down, another serves, and it ends for a fresh one.
 */
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../until.ts";
import { FaultedCluster, PATIENCE_MS } from "./faulted-cluster.ts";
import { describeWith } from "./requirement.ts";

const TIMEOUT_MS = 120_000;

describeWith(["strace"], "a sync that fails", () => {
  test(
    "of a file, and a write, now and then: what failed was refused, the host goes on serving",
    { timeout: TIMEOUT_MS },
    async () => {
      const cluster = await FaultedCluster.make();
      await cluster.begin();
      const primary = await cluster.nodes.served();
      const faults = ["fdatasync:error=EIO:when=1+9", "pwrite64:error=EIO:when=5+17"];
      const fault = await cluster.inject(primary, "vault", { faults });
      await until(() => fault.injected >= 10, { timeoutMs: PATIENCE_MS });
      await fault.end();
      await cluster.progress();
      expect(await cluster.nodes.primary()).toBe(primary);
      expect(cluster.clients.refusals).toEqual(["HS_VAULT_IO"]);
      await cluster.check();
    },
  );

  test.each([
    ["once", "fsync:error=EIO:when=1"],
    ["from now on", "fsync:error=EIO"],
  ])(
    "of the journal's folder, %s: the primary steps down and ends, another serves",
    { timeout: TIMEOUT_MS },
    async (_, fault) => {
      const cluster = await FaultedCluster.make();
      await cluster.begin();
      const primary = await cluster.nodes.served();
      await cluster.inject(primary, "vault", { faults: [fault] });
      await cluster.servedByOther(primary);
      await cluster.progress();
      expect(cluster.said(primary, "role changed").at(-1)).toMatchObject({ from: "primary", to: "fenced" });
      await cluster.ended(primary);
      expect(cluster.said(primary, "the host kills itself")).toMatchObject([{ code: "HS_VAULT_UNDURABLE" }]);
      cluster.nodes.start(primary);
      await cluster.follow();
      expect(cluster.clients.refused).toEqual([]);
      await cluster.check();
    },
  );

  test(
    "of the checkpoints' folder: there is no such checkpoint, and the primary ends, since it may acknowledge nothing more",
    { timeout: TIMEOUT_MS },
    async () => {
      const cluster = await FaultedCluster.make();
      await cluster.begin();
      const primary = await cluster.nodes.served();
      await cluster.nodes.command("checkpoint");
      const paths = [join(cluster.vault, "pools/main/checkpoints")];
      await cluster.inject(primary, "hotspare-image", { faults: ["fsync:error=EIO:when=1"], paths });
      await expect(cluster.nodes.command("checkpoint")).rejects.toThrow();
      await cluster.ended(primary);
      expect(cluster.said(primary, "the host kills itself")).toHaveLength(1);
      await cluster.servedByOther(primary);
      await cluster.progress();
      cluster.nodes.start(primary);
      await cluster.follow();
      await cluster.check();
    },
  );

  test(
    "on a standby that follows: it concludes nothing from names that may vanish, the others go on",
    { timeout: TIMEOUT_MS },
    async () => {
      const cluster = await FaultedCluster.make();
      await cluster.begin();
      const primary = await cluster.nodes.served();
      const standby = primary === "host-c" ? "host-b" : "host-c";
      const fault = await cluster.inject(standby, "vault", { faults: ["fsync:error=EIO:when=1"] });
      await until(() => fault.injected > 0, { timeoutMs: PATIENCE_MS });
      await cluster.nodes.signal(primary, "SIGKILL");
      await cluster.ended(standby);
      const taker = await cluster.servedByOther(primary, standby);
      await cluster.progress();
      expect(taker).not.toBe(standby);
      cluster.nodes.start(primary);
      cluster.nodes.start(standby);
      await cluster.follow();
      await cluster.check();
    },
  );
});
