/** Nodes that came and went are written into a file that people keep: nothing else in it changes. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { effectiveConfig } from "../../../shared/config/effective-config.ts";
import { writeMembership } from "../../../shared/config/write-membership.ts";
import { NO_DECISIONS, type Decisions } from "../../../shared/revisions/decisions.ts";
import { EXAMPLE, temporaryFolder } from "./example-config.ts";
import { hostD, proxy2 } from "./registrations.ts";

const folder = temporaryFolder();
let files = 0;
function fileOf(text: string): string {
  files += 1;
  mkdirSync(join(folder, String(files)));
  const file = join(folder, String(files), "hotspare.yaml");
  writeFileSync(file, text);
  return file;
}

const decided = (more: Partial<Decisions>): Decisions => ({ ...NO_DECISIONS, revision: 1, ...more });
const NEW_D = '{ id: host-d, listen: "127.0.0.1:7130", control: "127.0.0.1:7131", data: /cluster/data/host-d }';

const COMMENTED = `# ours
cluster: demo # the name
secret: { file: cluster.key }
vault: { directory: ./vault }

proxies:
  - { id: proxy-1, listen: "127.0.0.1:8080", admin: "127.0.0.1:8090" } # at the door
# whom we have
hosts:
  - { id: host-a, listen: "127.0.0.1:7100", control: "127.0.0.1:7101", data: ./data/host-a }
  # the old box
  # under the stairs
  - { id: host-b, listen: "127.0.0.1:7110", control: "127.0.0.1:7111", data: ./data/host-b } # noisy
  # the new box
  - { id: host-c, listen: "127.0.0.1:7120", control: "127.0.0.1:7121", data: ./data/host-c, mode: primary }

# one for each shop
pools:
  - { id: main, preferred: [ host-b, host-c ] } # in this order
`;
const BLOCK = `cluster: demo
vault:
  directory: ./vault
hosts:
  # first
  - id: host-a
    listen: 127.0.0.1:7100
    control: 127.0.0.1:7101
    data: ./data/host-a
  # second
  - id: host-b
    listen: 127.0.0.1:7110
    control: 127.0.0.1:7111 # its own network
    data: ./data/host-b
pools:
  - id: main
    preferred:
      - host-b # always on
      - host-a
`;

const EDITS: readonly (readonly [what: string, before: string, decisions: Partial<Decisions>, after: string])[] = [
  [
    "a host is appended in the style of its neighbours",
    COMMENTED,
    { added: [hostD()] },
    COMMENTED.replace("mode: primary }\n", `mode: primary }\n  - ${NEW_D}\n`),
  ],
  [
    "a host goes together with what was said of it",
    COMMENTED,
    { removed: ["host-b"] },
    COMMENTED.replace(/ {2}# the old box\n.*\n.*\n/, "").replace("host-b, host-c", "host-c"),
  ],
  [
    "one comes and one goes at once",
    COMMENTED,
    { added: [hostD()], removed: ["host-b"] },
    COMMENTED.replace(/ {2}# the old box\n.*\n.*\n/, "")
      .replace("host-b, host-c", "host-c")
      .replace("mode: primary }\n", `mode: primary }\n  - ${NEW_D}\n`),
  ],
  [
    "a proxy is appended, and the comment after the list stays where it is",
    COMMENTED,
    { added: [proxy2()] },
    COMMENTED.replace(
      "# at the door\n",
      '# at the door\n  - { id: proxy-2, listen: "127.0.0.1:8081", admin: "127.0.0.1:8091", gossip: "127.0.0.1:8092" }\n',
    ),
  ],
  [
    "an order that nobody is left of goes too",
    COMMENTED.replace("host-b, host-c", "host-b"),
    { removed: ["host-b"] },
    COMMENTED.replace(/ {2}# the old box\n.*\n.*\n/, "").replace(", preferred: [ host-b, host-c ]", ""),
  ],
  [
    "a host is appended in block style where its neighbours are",
    BLOCK,
    { added: [hostD()] },
    BLOCK.replace(
      "pools:",
      "  - id: host-d\n    listen: 127.0.0.1:7130\n    control: 127.0.0.1:7131\n    data: /cluster/data/host-d\npools:",
    ),
  ],
  [
    "a host goes in block style, and from the order",
    BLOCK,
    { removed: ["host-b"] },
    BLOCK.replace(/ {2}# second\n(?:.*\n){4}/, "").replace("      - host-b # always on\n", ""),
  ],
  [
    "a first proxy makes the list",
    BLOCK,
    { added: [proxy2()] },
    `${BLOCK}proxies:\n  - { id: proxy-2, listen: "127.0.0.1:8081", admin: "127.0.0.1:8091", gossip: "127.0.0.1:8092" }\n`,
  ],
  [
    "a list in brackets stays in brackets",
    EXAMPLE.replace(/proxies:\n {2}- (.*)\n/, "proxies: [$1]\n"),
    { added: [proxy2()] },
    EXAMPLE.replace(
      /proxies:\n {2}- (.*)\n/,
      'proxies: [ $1, { id: proxy-2, listen: "127.0.0.1:8081", admin: "127.0.0.1:8091", gossip: "127.0.0.1:8092" } ]\n',
    ),
  ],
  [
    "a path never means a variable",
    EXAMPLE,
    { added: [hostD({ data: "/data/$${HOME}" })] },
    `${EXAMPLE}  - ${NEW_D.replace("/cluster/data/host-d", '"/data/$$$${HOME}"')}\n`,
  ],
];

describe("in the file", () => {
  it.each(EDITS)("%s", async (_, before, decisions, after) => {
    const file = fileOf(before);
    expect(await writeMembership(file, {}, decided(decisions))).toBe(true);
    expect(readFileSync(file, "utf8")).toBe(after);
  });

  it.each(EDITS)("%s, and the second time nothing", async (_, before, decisions) => {
    const file = fileOf(before);
    await writeMembership(file, {}, decided(decisions));
    const [once, sum] = [readFileSync(file, "utf8"), loadConfig(file, {})];
    expect(await writeMembership(file, {}, decided(decisions))).toBe(false);
    expect(readFileSync(file, "utf8")).toBe(once);
    expect(effectiveConfig(sum, decided(decisions))).toBe(sum);
  });

  it("several nodes of one machine write at the same time, and each node is there once", async () => {
    const file = fileOf(COMMENTED);
    const decisions = decided({ added: [hostD(), proxy2()], removed: ["host-b"] });
    const wrote = await Promise.all(Array.from({ length: 5 }, () => writeMembership(file, {}, decisions)));
    expect(wrote.filter(Boolean)).toHaveLength(1);
    const { hosts, proxies } = loadConfig(file, {});
    expect([...hosts, ...proxies].map(({ id }) => id)).toEqual(["host-a", "host-c", "host-d", "proxy-1", "proxy-2"]);
  });
});

describe("is refused, and nothing is changed,", () => {
  it.each<readonly [string, string, Partial<Decisions>]>([
    ["a list that others refer to", BLOCK.replace("hosts:", "hosts: &all"), { added: [hostD()] }],
    [
      "an entry that is an alias",
      COMMENTED.replace("[ host-b, host-c ]", "[ &b host-b, host-c ]").concat(
        "  - { id: other, routes: [ { path: /o } ], preferred: [ host-c, *b ] }\n",
      ),
      { removed: ["host-b"] },
    ],
    [
      "an entry that others refer to",
      BLOCK.replace("- id: host-b", "- id: &b host-b").replace("- host-b", "- *b"),
      { removed: ["host-b"] },
    ],
  ])("%s", async (_, text, decisions) => {
    const file = fileOf(text);
    await expect(writeMembership(file, {}, decided(decisions))).rejects.toMatchObject({
      code: "HS_CONFIG_UNWRITABLE",
      message: expect.stringContaining("write it out") as string,
    });
    expect(readFileSync(file, "utf8")).toBe(text);
  });
});
