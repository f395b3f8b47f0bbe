import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { initCluster, type InitOptions } from "../../deploy/cli/init-cluster.ts";
import { DEFAULT_PORTS, localClusterText, portBlock } from "../../deploy/cli/local-cluster.ts";
import { loadConfig } from "../../shared/config/load-config.ts";
import { readSecret } from "../../shared/config/read-secret.ts";
import { configOf, temporaryFolder } from "../shared/config/example-config.ts";
import { chance, hotspare, still } from "./console.ts";

const folder = temporaryFolder();
const TEMPLATE = localClusterText(DEFAULT_PORTS);

interface Cluster {
  readonly file: string;
  readonly secret: string;
  readonly vault: string;
  readonly identity: string;
  readonly options: InitOptions;
}

let clusters = 0;
function cluster(): Cluster {
  clusters += 1;
  const own = join(folder, String(clusters));
  const file = join(own, "hotspare.yaml");
  const options = { file, template: TEMPLATE, env: {}, random: chance, clock: still };
  const vault = join(own, "vault");
  return { file, secret: join(own, "cluster.key"), vault, identity: join(vault, "cluster.json"), options };
}

const idIn = (file: string): string => (JSON.parse(readFileSync(file, "utf8")) as { vaultId: string }).vaultId;

const filesOf = ({ file }: Cluster): readonly string[] =>
  readdirSync(join(file, ".."), { recursive: true, encoding: "utf8" }).sort();

/** Contents and modes of everything but what is temporary. */
function stateOf({ file, secret, identity }: Cluster): unknown {
  return [file, secret, identity].map((name) => [readFileSync(name, "utf8"), statSync(name).mode, statSync(name).ino]);
}

describe("hotspare init", () => {
  it("makes a configuration, a secret that only the owner can read, and a vault whose id is in the configuration", async () => {
    const { file, secret, identity, options } = cluster();
    const { config, made } = await initCluster(options);
    expect(made).toHaveLength(3);
    expect(config).toEqual(loadConfig(file, {}));
    expect(config.vault.id).toBe(idIn(identity));
    expect(statSync(secret).mode & 0o777).toBe(0o600);
    expect(readSecret({ file: secret }, {}).map(({ length }) => length)).toEqual([32]);
    expect(readdirSync(join(file, "..")).sort()).toEqual(["cluster.key", "hotspare.yaml", "vault"]);
  });

  it("touches nothing that is there", async () => {
    const one = cluster();
    await initCluster(one.options);
    const before = stateOf(one);
    expect((await initCluster(one.options)).made).toEqual([]);
    expect(stateOf(one)).toEqual(before);
  });

  it("twice at the same time makes one vault", async () => {
    const one = cluster();
    const [a, b] = await Promise.all([initCluster(one.options), initCluster(one.options)]);
    expect(a.config).toEqual(b.config);
    expect(a.config.vault.id).toBe(idIn(one.identity));
  });

  it("keeps the comments of a configuration that only lacks the id", async () => {
    const one = cluster();
    mkdirSync(join(one.file, ".."));
    writeFileSync(one.file, TEMPLATE.replace("cluster: demo", "cluster: demo # mine"));
    await initCluster(one.options);
    const expected = TEMPLATE.replace("cluster: demo", "cluster: demo # mine").replace(
      "./vault }",
      `./vault, id: ${idIn(one.identity)} }`,
    );
    expect(readFileSync(one.file, "utf8")).toBe(expected);
  });

  it("makes no second secret where a variable has it, and wants it to be set", async () => {
    const one = cluster();
    const options = { ...one.options, template: TEMPLATE.replace("{ file: cluster.key }", "{ env: SECRET }") };
    await expect(initCluster(options)).rejects.toMatchObject({ code: "HS_SECRET_UNREADABLE" });
    expect(existsSync(one.vault)).toBe(false);
    await initCluster({ ...options, env: { SECRET: "ab".repeat(32) } });
    expect(existsSync(one.secret)).toBe(false);
  });
});

describe("hotspare init after a crash", () => {
  const CRASHES: Readonly<Record<string, (one: Cluster) => void>> = {
    "after the secret": ({ vault, file }) => [vault, file].forEach((path) => rmSync(path, { recursive: true })),
    "after the vault's folder": ({ vault, file }) => {
      rmSync(file);
      rmSync(vault, { recursive: true });
      mkdirSync(vault);
    },
    "while the vault was tried out": ({ vault, identity, file }) => {
      rmSync(file);
      rmSync(identity);
      writeFileSync(join(vault, "tmp", "0".repeat(32)), "half");
    },
    "after the vault": ({ file }) => rmSync(file),
    "before the id was written": ({ file }) => writeFileSync(file, TEMPLATE),
    "while a file was written": ({ file, secret }) => {
      rmSync(file);
      writeFileSync(`${file}.${process.pid}.tmp`, "half");
      writeFileSync(`${secret}.${process.pid}.tmp`, "half");
    },
  };

  it.each(Object.entries(CRASHES))("%s completes what is missing and keeps what is there", async (_, crash) => {
    const one = cluster();
    await initCluster(one.options);
    crash(one);
    const [secret, id] = [readFileSync(one.secret, "utf8"), existsSync(one.identity) ? idIn(one.identity) : null];
    const { config } = await initCluster(one.options);
    expect(readFileSync(one.secret, "utf8")).toBe(secret);
    expect(config.vault.id).toBe(idIn(one.identity));
    if (id !== null) expect(config.vault.id).toBe(id);
    expect((await initCluster(one.options)).made).toEqual([]);
  });
});

describe("hotspare init refuses, and makes nothing,", () => {
  async function refusal(one: Cluster): Promise<unknown> {
    const before = filesOf(one);
    const error: unknown = await initCluster(one.options).catch((thrown: unknown) => thrown);
    expect(filesOf(one)).toEqual(before);
    return error;
  }

  it("where the configuration has an id and the folder no vault: the share may not be mounted", async () => {
    const one = cluster();
    await initCluster(one.options);
    rmSync(one.vault, { recursive: true });
    expect(await refusal(one)).toMatchObject({ code: "HS_VAULT_MISSING", exit: 78 });
    mkdirSync(one.vault);
    expect(await refusal(one)).toMatchObject({ code: "HS_VAULT_MISSING", exit: 78 });
  });

  it("where the folder holds something else", async () => {
    const one = cluster();
    mkdirSync(one.vault, { recursive: true });
    writeFileSync(join(one.vault, "holiday.jpg"), "");
    expect(await refusal(one)).toMatchObject({
      code: "HS_VAULT_UNSUITABLE",
      message: expect.stringContaining("holiday.jpg"),
    });
  });

  it("where the vault is a file", async () => {
    const one = cluster();
    mkdirSync(join(one.file, ".."));
    writeFileSync(one.vault, "");
    expect(await refusal(one)).toMatchObject({ code: "HS_VAULT_UNSUITABLE" });
  });

  it("where the vault is another one", async () => {
    const one = cluster();
    await initCluster(one.options);
    const text = readFileSync(one.file, "utf8");
    writeFileSync(one.file, text.replace(idIn(one.identity), "0".repeat(32)));
    expect(await refusal(one)).toMatchObject({ code: "HS_VAULT_FOREIGN" });
    writeFileSync(one.file, text.replace("cluster: demo", "cluster: other"));
    expect(await refusal(one)).toMatchObject({
      code: "HS_VAULT_UNSUITABLE",
      message: expect.stringContaining("cluster demo"),
    });
  });

  it("where the secret is not usable", async () => {
    const one = cluster();
    mkdirSync(join(one.file, ".."));
    writeFileSync(one.secret, "short", { mode: 0o600 });
    expect(await refusal(one)).toMatchObject({ code: "HS_SECRET_UNREADABLE" });
  });

  it("where the secret is a link to nothing", async () => {
    const one = cluster();
    mkdirSync(join(one.file, ".."));
    symlinkSync("nowhere", one.secret);
    expect(await initCluster(one.options).catch((error: unknown) => error)).toMatchObject({
      code: "HS_SECRET_UNREADABLE",
    });
    expect(existsSync(one.vault)).toBe(false);
  });
});

describe("the command init", () => {
  it("makes nothing without --yes where nobody can be asked", async () => {
    const { file } = cluster();
    const { code, err } = await hotspare(["init", "--config", file]);
    expect(code).toBe(64);
    expect(err).toContain("--yes");
    expect(existsSync(join(file, ".."))).toBe(false);
  });

  it("asks on a terminal, and takes everything but yes for no", async () => {
    const { file } = cluster();
    const asked: string[] = [];
    const answer = (text: string) => async (question: string) => {
      asked.push(question);
      return text;
    };
    mkdirSync(join(file, ".."));
    writeFileSync(file, TEMPLATE);
    expect((await hotspare(["init", "--config", file], { ask: answer("") })).out).toContain("Nothing was made.");
    expect(readFileSync(file, "utf8")).toBe(TEMPLATE);
    const made = await hotspare(["init", "--config", file], { ask: answer("y") });
    expect(made.out).toContain(`made the vault's id in ${file}`);
    expect((await hotspare(["init", "--config", file], { ask: answer("y") })).out).toContain("Nothing is missing");
    expect(asked).toHaveLength(2);
  });

  it("never shows the secret", async () => {
    const { file, secret } = cluster();
    const { code, out, err } = await hotspare(["init", "--yes", "--json", "--config", file]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ file, made: expect.any(Array) });
    expect(out + err).not.toContain(readFileSync(secret, "utf8").trim());
  });

  it("warns where it makes a new secret for a cluster that exists", async () => {
    const { file, secret } = cluster();
    await hotspare(["init", "--yes", "--config", file]);
    rmSync(secret);
    expect((await hotspare(["init", "--yes", "--config", file])).out).toContain(
      "every machine of this cluster needs this same file",
    );
  });
});

describe("a local cluster", () => {
  it("has the addresses that the documentation names", () => {
    const { proxies, hosts } = configOf(TEMPLATE);
    expect(proxies.map(({ listen, admin }) => [listen.port, admin.port])).toEqual([
      [8080, 8090],
      [8081, 8091],
    ]);
    expect(hosts.map(({ listen, control }) => [listen.port, control.port])).toEqual([
      [7100, 7101],
      [7110, 7111],
      [7120, 7121],
    ]);
    expect(hosts.map(({ mode }) => mode)).toEqual(["primary", "restore", "restore"]);
  });

  it("of another block of ports is right too, and stays within 26 of them", () => {
    const { proxies, hosts } = configOf(localClusterText(portBlock(9000)));
    const ports = [
      ...proxies.flatMap((proxy) => [proxy.listen, proxy.admin]),
      ...hosts.flatMap((host) => [host.listen, host.control]),
    ];
    expect(ports.every(({ port }) => port >= 9000 && port < 9026)).toBe(true);
  });
});
