/**
 * A cluster of one host that invites: its real control listener, files and vault, and decisions in memory. What others say to it
 * goes by a tap that keeps every byte.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { initCluster } from "../../../deploy/cli/init-cluster.ts";
import { startControl } from "../../../host/control.ts";
import type { Config, TlsFiles } from "../../../shared/config/config.ts";
import { readSecret } from "../../../shared/config/read-secret.ts";
import { HotspareError } from "../../../shared/errors.ts";
import { decide, NO_DECISIONS, type Decisions } from "../../../shared/revisions/decisions.ts";
import { KeyRing } from "../../../shared/signature/key-ring.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { TlsIdentity } from "../../../shared/tls/tls-identity.ts";
import { readTlsMaterial } from "../../../shared/tls/tls-material.ts";
import type { MessageRefused } from "../../../shared/wire/message-server.ts";
import type { Request } from "../../../shared/wire/messages.ts";
import { controlOptions, refusing } from "../../host/control-options.ts";
import { chance, hotspare, still, type Shown } from "../console.ts";

export interface InvitingCluster {
  readonly config: Config;
  /** Folder of the new machine. */
  readonly machine: string;
  /** Where others reach the host. */
  readonly address: string;
  readonly secret: string;
  readonly refused: readonly MessageRefused[];
  readonly welcomed: readonly string[];
  /** Everything that was said, both ways. */
  heard(): Buffer;
  decisions(): Decisions;
  /** Decisions fail from now on, or no more. */
  failDecisions(fail: boolean): void;
  invite(...options: string[]): Promise<{ readonly token: string }>;
  /** As `host-d`, on the new machine. */
  join(token: string, ...options: string[]): Promise<Shown>;
}

export interface Shape {
  readonly tls?: (TlsFiles & { readonly ca: string }) | undefined;
  /** In place of the file of the secret. */
  readonly secretVariable?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

let clusters = 0;

export async function invitingCluster(
  folder: string,
  { tls, secretVariable, env = {} }: Shape = {},
): Promise<InvitingCluster> {
  clusters += 1;
  const home = join(folder, `home-${clusters}`);
  const machine = join(folder, `machine-${clusters}`);
  mkdirSync(machine);
  const tap = await Tap.open();
  const address = `127.0.0.1:${tap.port}`;
  const config = await makeCluster(home, { tls, secretVariable, address, env });
  // The share is mounted on both machines.
  symlinkSync(config.vault.directory, join(machine, "vault"));
  const keys = readSecret(config.secret, env);
  const host = { ...config.hosts[0]!, control: { host: "127.0.0.1", port: 0 } };
  const [refused, welcomed]: [MessageRefused[], string[]] = [[], []];
  let [decisions, failing] = [NO_DECISIONS, false];
  const control = await startControl(
    controlOptions(
      {
        ...refusing("nobody asks for this"),
        decide: async (request) => {
          if (failing) throw new HotspareError("HS_DECISION_REFUSED", { reason: "as the test wants it" });
          const changed = decided(decisions, request);
          if (changed !== null) control.decisions((decisions = changed));
          return { changed: changed !== null, decisions };
        },
      },
      {
        host,
        cluster: config.cluster,
        secret: new KeyRing(keys, systemClock),
        files: { configuration: config.file, secret: config.secret },
        onRefused: (refusal) => refused.push(refusal),
        onWelcomed: (node) => welcomed.push(node),
      },
    ),
    tls ? new TlsIdentity(await readTlsMaterial("control", tls)) : null,
  );
  tap.target = control.address.port;
  onTestFinished(async () => {
    await control.stop();
    await tap.close();
  });
  return {
    config,
    machine,
    address,
    secret: keys[0]!.toString("hex"),
    refused,
    welcomed,
    heard: () => Buffer.concat(tap.heard),
    decisions: () => decisions,
    failDecisions: (fail) => void (failing = fail),
    invite: async (...options) => {
      const args = ["invite", "--json", ...options, "--config", config.file];
      return JSON.parse((await hotspare(args, { clock: systemClock, env })).out) as { token: string };
    },
    join: (token, ...options) => {
      const given = ["--id", "host-d", "--listen", "127.0.0.1:7130", "--control", "127.0.0.1:7131"];
      const own = options.includes("--id") ? options : [...given, ...options];
      const file = ["--config", join(machine, "hotspare.yaml")];
      return hotspare(["join", address, "--token", token, ...file, ...own], { clock: systemClock, env });
    },
  };
}

function decided(before: Decisions, { base, change, by, reason }: Request<"decide">): Decisions | null {
  const after = decide(before, change, { by, atMs: 1, reason });
  if (after !== null && base !== before.revision)
    throw new HotspareError("HS_DECISION_CONFLICT", { revision: before.revision, by, reason });
  return after;
}

async function makeCluster(
  home: string,
  { tls, secretVariable, address, env }: Shape & { readonly address: string },
): Promise<Config> {
  const template = `# ours
cluster: demo
secret: ${secretVariable ? `{ env: ${secretVariable} }` : "{ file: cluster.key }"}
vault: { directory: ./vault }
proxies:
  - { id: proxy-1, listen: "127.0.0.1:8080", admin: "127.0.0.1:8090" } # at the door
hosts:
  # the first one
  - { id: host-a, listen: "127.0.0.1:7100", control: "${address}", data: ./data/host-a, mode: primary }
${tls ? `tls: { control: { cert: "${tls.cert}", key: "${tls.key}", ca: "${tls.ca}" } }\n` : ""}`;
  const file = join(home, "hotspare.yaml");
  return (await initCluster({ file, template, env: env ?? {}, random: chance, clock: still })).config;
}

class Tap {
  target = 0;
  readonly heard: Buffer[] = [];
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async open(): Promise<Tap> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Tap(server);
  }

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (client) => {
      const host = connect(this.target, "127.0.0.1");
      this.#carry(client, host);
      this.#carry(host, client);
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on("data", (bytes) => this.heard.push(bytes));
    from.on("error", () => to.destroy());
    from.pipe(to);
  }
}

export const textOf = (...path: readonly string[]): string => readFileSync(join(...path), "utf8");
export const write = (text: string, ...path: readonly string[]): void =>
  writeFileSync(join(...path), text, { mode: 0o600 });
