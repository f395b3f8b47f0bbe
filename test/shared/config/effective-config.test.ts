/** The sum of a file and what was decided: nodes agree on it, whatever their copies of the file say yet. */
import { describe, expect, it } from "vitest";
import { effectiveConfig } from "../../../shared/config/effective-config.ts";
import { NO_DECISIONS, type Decisions } from "../../../shared/revisions/decisions.ts";
import { configOf, EXAMPLE } from "./example-config.ts";
import { hostD, proxy2 } from "./registrations.ts";

const decided = (more: Partial<Decisions>): Decisions => ({ ...NO_DECISIONS, revision: 1, ...more });
const LINE_D = '  - { id: host-d, listen: "127.0.0.1:7130", control: "127.0.0.1:7131", data: ./data/host-d }\n';
const LINE_P =
  '  - { id: proxy-2, listen: "127.0.0.1:8081", admin: "127.0.0.1:8091", gossip: "127.0.0.1:8092" }\nhosts:\n';
const WITH_D = `${EXAMPLE}${LINE_D}`;
const WITHOUT_A = EXAMPLE.replace(/ {2}- { id: host-a.*\n/, "");
const POOL = "pools: [{ id: main, preferred: [host-a, host-b] }]\n";

const SUMS: readonly (readonly [what: string, file: string, decisions: Decisions, sum: string])[] = [
  ["an added host", EXAMPLE, decided({ added: [hostD()] }), WITH_D],
  ["an added host that the file has by now", WITH_D, decided({ added: [hostD()] }), WITH_D],
  ["an added host beside a written order", `${EXAMPLE}${POOL}`, decided({ added: [hostD()] }), `${WITH_D}${POOL}`],
  [
    "an added host that may not be primary",
    EXAMPLE,
    decided({ added: [hostD({ candidate: false })] }),
    WITH_D.replace("./data/host-d", "./data/host-d, candidate: false"),
  ],
  ["an added proxy", EXAMPLE, decided({ added: [proxy2()] }), EXAMPLE.replace("hosts:\n", LINE_P)],
  ["a removed host", EXAMPLE, decided({ removed: ["host-a"] }), WITHOUT_A],
  [
    "a removed host in a written order",
    `${EXAMPLE}${POOL}`,
    decided({ removed: ["host-a"] }),
    `${WITHOUT_A}${POOL.replace("host-a, ", "")}`,
  ],
  [
    "a removed host that was the whole written order",
    `${EXAMPLE}${POOL.replace(", host-b", "")}`,
    decided({ removed: ["host-a"] }),
    `${WITHOUT_A}pools: [{ id: main }]\n`,
  ],
  ["a removed proxy", EXAMPLE, decided({ removed: ["proxy-1"] }), EXAMPLE.replace(/proxies:\n.*\n/, "")],
  [
    "a host in the place of another at the same address",
    EXAMPLE,
    decided({ removed: ["host-a"], added: [hostD({ listen: "127.0.0.1:7100", advertise: "127.0.0.1:7100" })] }),
    `${WITHOUT_A}${LINE_D.replace("7130", "7100")}`,
  ],
];

describe("the sum", () => {
  it.each(SUMS)("has %s as a file that says so", (_, file, decisions, sum) => {
    expect(effectiveConfig(configOf(file), decisions)).toEqual(configOf(sum));
  });

  const same = configOf(EXAMPLE);
  it.each<readonly [string, Partial<Decisions>]>([
    ["nothing was decided", {}],
    ["who was removed is not in it", { removed: ["host-x"] }],
    ["an added host has the id of one of its hosts", { added: [hostD({ id: "host-a" })] }],
    ["an added host has the id of one of its proxies", { added: [hostD({ id: "proxy-1" })] }],
    ["an added host has the address of one of its hosts", { added: [hostD({ control: "127.0.0.1:7101" })] }],
    ["an added host has the address of one of its proxies", { added: [hostD({ listen: "127.0.0.1:8090" })] }],
    ["an added host is reached where another is", { added: [hostD({ advertise: "127.0.0.1:7100" })] }],
    ["an added host's address is none", { added: [hostD({ control: "nowhere" })] }],
    ["an added host's id is none", { added: [hostD({ id: "Host D" })] }],
    ["an added host listens where nobody can reach it", { added: [hostD({ control: "0.0.0.0:7131" })] }],
    ["an added host's data lies in the vault", { added: [hostD({ data: "/cluster/vault/d" })] }],
  ])("is the file where %s", (_, decisions) => expect(effectiveConfig(same, decided(decisions))).toBe(same));

  it("keeps the last host, though it was removed", () => {
    const { hosts } = effectiveConfig(same, decided({ removed: ["host-a", "host-b"] }));
    expect(hosts.map(({ id }) => id)).toEqual(["host-b"]);
  });

  it("has one hash, whichever machine's copy it is made of", () => {
    const decisions = decided({ added: [hostD()], removed: ["host-a"] });
    const [old, written] = [EXAMPLE, `${WITHOUT_A}${LINE_D}`].map((text) => effectiveConfig(configOf(text), decisions));
    expect(old?.hash).toBe(written?.hash);
    expect(old?.hash).not.toBe(same.hash);
  });
});
