/**
 * Each host sees the vault through a mount that believes for five seconds what it has seen, and what it has not: as
 * clients of a network file system do. Nothing may rest on having looked.
 */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Register } from "../cluster/register.ts";
import { until } from "../until.ts";
import { FaultedCluster, PATIENCE_MS } from "./faulted-cluster.ts";
import { describeWith } from "./requirement.ts";
import { StaleMount } from "./stale-mount.ts";

const STALE_S = 5;

async function clusterOnMounts(): Promise<FaultedCluster> {
  const cluster = await FaultedCluster.make();
  for (const host of cluster.nodes.hosts.keys()) {
    const point = join(cluster.nodes.folder, "mounts", host);
    const mount = await StaleMount.of({ source: cluster.vault, point, staleS: STALE_S });
    onTestFinished(() => mount.end());
    cluster.mountFor(host, point);
  }
  return cluster;
}

/** A register in a space of its own, read through the proxy and from each host. */
async function startRegister({ nodes }: FaultedCluster): Promise<Register> {
  const headers = { "content-type": "application/json" };
  await fetch(`${nodes.url()}/spaces/register`, { method: "PUT", body: "{}", headers });
  const path = "/spaces/register/documents/one";
  const hosts = [...nodes.hosts.values()].map(({ listen }) => `http://127.0.0.1:${listen}${path}`);
  return new Register(`${nodes.url()}${path}`, [`${nodes.url()}${path}`, ...hosts]);
}

async function killPrimary(cluster: FaultedCluster): Promise<void> {
  const primary = await cluster.nodes.served();
  await cluster.nodes.signal(primary, "SIGKILL");
  await cluster.servedByOther(primary);
  await cluster.progress();
  cluster.nodes.start(primary);
  await cluster.follow();
}

async function pausePrimary(cluster: FaultedCluster): Promise<void> {
  const primary = await cluster.nodes.served();
  await cluster.nodes.signal(primary, "SIGSTOP");
  await cluster.servedByOther(primary);
  await cluster.progress();
  await cluster.nodes.signal(primary, "SIGCONT");
  await cluster.follow();
}

describeWith(["bindfs"], "hosts whose mounts of the vault are stale", () => {
  test(
    "lose nothing and show nothing old when a primary dies, or sleeps through a takeover",
    { timeout: 240_000 },
    async () => {
      const cluster = await clusterOnMounts();
      await cluster.begin();
      for (const host of cluster.nodes.hosts.keys()) {
        expect(cluster.said(host, "the host listens")).toMatchObject([{ reads: "barrier" }]);
      }
      const register = await startRegister(cluster);
      for (let round = 0; round < 2; round += 1) {
        await killPrimary(cluster);
        await pausePrimary(cluster);
      }
      await until(() => register.reads > 20 && register.writes > 20, { timeoutMs: PATIENCE_MS });
      await register.stop();
      expect(register.stale).toEqual([]);
      await cluster.check();
    },
  );
});
