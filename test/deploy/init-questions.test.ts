/** `hotspare init` where somebody sits at a terminal and there is no configuration yet. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../shared/config/load-config.ts";
import { temporaryFolder } from "../shared/config/example-config.ts";
import { hotspare, type Shown } from "./console.ts";

const folder = temporaryFolder();
let runs = 0;

interface Run extends Shown {
  readonly file: string;
  readonly asked: readonly string[];
}

/** Answers what is asked, one after the other; then nothing. */
async function init(answers: readonly string[], ...options: string[]): Promise<Run> {
  runs += 1;
  const file = join(folder, String(runs), "hotspare.yaml");
  const [asked, left]: [string[], string[]] = [[], [...answers]];
  const ask = async (question: string): Promise<string> => {
    asked.push(question);
    return left.shift() ?? "";
  };
  return { ...(await hotspare(["init", "--config", file, ...options], { ask })), file, asked };
}

const YES = "y";
const USUAL = ["", "", "", "", ""];

describe("on a terminal without a configuration", () => {
  it("empty answers make what --yes makes, after it was shown", async () => {
    const [one, other] = [await init([...USUAL, YES]), await init([], "--yes")];
    expect([one.code, other.asked]).toEqual([0, []]);
    expect(one.asked).toHaveLength(6);
    expect(one.out).toContain("cluster: demo\n");
    const [asked, usual] = [one, other].map(({ file }) => loadConfig(file, {}));
    expect({
      ...asked,
      vault: null,
      file: null,
      hash: null,
      secret: null,
      hosts: asked?.hosts.map(({ id }) => id),
    }).toEqual({
      ...usual,
      vault: null,
      file: null,
      hash: null,
      secret: null,
      hosts: ["host-a", "host-b", "host-c"],
    });
  });

  it("shows what is usual in each question", async () => {
    const { asked } = await init(USUAL);
    expect(asked.slice(0, 5).map((question) => /\[(.*)\]: $/.exec(question)?.[1])).toEqual([
      "demo",
      "./vault",
      "127.0.0.1",
      "3",
      "2",
    ]);
  });

  it("makes what was answered", async () => {
    const vault = join(folder, "a share, mounted");
    const { code, file } = await init(["shop", vault, "", "2", "1", YES]);
    const { cluster, hosts, proxies, vault: made } = loadConfig(file, {});
    expect([code, cluster, made.directory, hosts.length, proxies.length]).toEqual([0, "shop", vault, 2, 1]);
  });

  it("on a machine that others reach, listens where they do, with gossip of its own and a share's delay", async () => {
    const { code, file } = await init(["", "", "10.0.0.11", "", "", YES]);
    const { hosts, proxies, cleanDelayMs } = loadConfig(file, {});
    expect([code, cleanDelayMs]).toEqual([0, 3_600_000]);
    expect(hosts.map(({ listen, control }) => [listen.host, control.host])).toEqual([["10.0.0.11", "10.0.0.11"]]);
    expect(proxies).toMatchObject([
      {
        listen: { host: "0.0.0.0" },
        advertise: { host: "10.0.0.11" },
        admin: { host: "127.0.0.1" },
        gossip: { host: "10.0.0.11" },
      },
    ]);
  });

  it("asks again after a wrong answer, and says what is accepted", async () => {
    const { code, out, asked } = await init([
      "My Shop",
      "shop",
      "",
      "0.0.0.0",
      "10.0.0.11:80",
      "fd00::1",
      "0",
      "11",
      "1",
      "x",
      "0",
      YES,
    ]);
    expect([code, asked.length]).toEqual([0, 12]);
    expect(out).toContain('found "My Shop", accepted is 1 to 63 of a-z');
    expect(out).toContain('found "10.0.0.11:80", accepted is a name or an IP address, without a port');
    expect(out).toContain('found "11", accepted is a number from 1 to 10');
  });

  it("ends after five wrong answers, with nothing made", async () => {
    const { code, file } = await init(["?", "?", "?", "?", "?", "?"]);
    expect([code, existsSync(file)]).toEqual([64, false]);
  });

  it("makes nothing without a yes at the end", async () => {
    const { code, out, file } = await init([...USUAL, "perhaps"]);
    expect([code, out.includes("Nothing was made."), existsSync(join(file, ".."))]).toEqual([0, true, false]);
  });
});
