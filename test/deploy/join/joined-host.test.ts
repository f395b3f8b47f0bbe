/** A machine joins a cluster that runs, and its host follows: real processes. */
import { spawn } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { RevisionLog } from "../../../shared/revisions/revision-log.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { DirectoryVault } from "../../../shared/vault/directory-vault.ts";
import { freePorts } from "../../cluster/free-ports.ts";
import { Nodes, type HostReport } from "../../cluster/nodes.ts";
import { until } from "../../until.ts";
import { chance, hotspare, MAIN } from "../console.ts";

it("a machine that joined follows the primary, and the decision is in the vault", { timeout: 120_000 }, async () => {
  const nodes = await Nodes.make({ hosts: 1, proxies: 1 });
  onTestFinished(() => nodes.end());
  nodes.startAll();
  await nodes.served();
  const machine = join(nodes.folder, "machine");
  mkdirSync(machine);
  symlinkSync(join(nodes.folder, "vault"), join(machine, "vault"));
  const { token, address } = JSON.parse(await nodes.command("invite", "--json")) as { token: string; address: string };
  const [listen, control] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`) as [string, string];
  const config = ["--config", join(machine, "hotspare.yaml")];
  const own = ["--id", "host-d", "--listen", listen, "--control", control];
  const joined = await hotspare(["join", address, "--token", token, ...own, ...config], { clock: systemClock });
  expect(joined).toMatchObject({ code: 0, err: "" });

  const vault = new DirectoryVault({ directory: join(machine, "vault"), random: chance, clock: systemClock });
  onTestFinished(() => vault.close());
  expect((await new RevisionLog(vault).newest())?.decisions.added.map(({ id }) => id)).toEqual(["host-d"]);
  const effective = await nodes.command("config", "show", "--effective", "--json");
  expect(JSON.parse(effective)).toMatchObject({ revision: 1, hosts: [{ id: "host-a" }, { id: "host-d" }] });

  const child = spawn(process.execPath, [MAIN, "host", "--id", "host-d", ...config], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await until(async () => (await reportAt(control))?.role === "standby", { timeoutMs: 60_000, everyMs: 50 });
  await nodes.command("checkpoint");
  await until(async () => (await reportAt(control))?.slot === (await nodes.report("host-a"))?.slot, {
    timeoutMs: 60_000,
    everyMs: 50,
  });
});

async function reportAt(control: string): Promise<HostReport | null> {
  const answer = await fetch(`http://${control}/live`).catch(() => null);
  return ((await answer?.json()) as { pools: readonly HostReport[] } | undefined)?.pools[0] ?? null;
}
