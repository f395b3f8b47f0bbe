import { describe, expect, test } from "vitest";
import { ownNodes, type Machine } from "../../deploy/cli/own-nodes.ts";
import { configOf } from "../shared/config/example-config.ts";

const machine: Machine = {
  addresses: new Set(["127.0.0.1", "10.0.0.11"]),
  resolve: async (name) => ({ "a.example": ["10.0.0.11"], "named.example": ["127.0.1.1"] })[name] ?? [name],
};

const config = (host: string, proxy: string) =>
  configOf(`cluster: demo
secret: { file: cluster.key }
vault: { directory: ./vault }
proxies:
  - { id: proxy-1, listen: "0.0.0.0:8080", admin: "127.0.0.1:8090", ${proxy} }
hosts:
  - { id: host-a, data: ./a, ${host} }
`);

describe("the nodes of this machine", () => {
  test.each([
    ["by address", 'listen: "10.0.0.11:1", control: "10.0.0.11:2"', true],
    [
      "by the address that others reach, behind a wildcard",
      'listen: "0.0.0.0:1", advertise: "10.0.0.11:1", control: "10.0.0.11:2"',
      true,
    ],
    ["by name", 'listen: "a.example:1", control: "a.example:2"', true],
    [
      "by a name that the machine gives itself on loopback",
      'listen: "named.example:1", control: "named.example:2"',
      true,
    ],
    ["on loopback alone", 'listen: "127.0.0.1:1", control: "127.0.0.1:2"', true],
    ["not one of another machine", 'listen: "10.0.0.12:1", control: "10.0.0.12:2"', false],
    ["not one whose name nobody knows", 'listen: "b.example:1", control: "b.example:2"', false],
  ])("%s", async (_, host, own) => {
    const proxy = 'advertise: "10.0.0.12:8080", gossip: "10.0.0.12:8092"';
    expect([...(await ownNodes(config(host, proxy), machine))]).toEqual(own ? ["host-a"] : []);
  });

  test("a proxy whose admin address is on loopback is not therefore here", async () => {
    const host = 'listen: "10.0.0.12:1", control: "10.0.0.12:2"';
    expect([...(await ownNodes(config(host, 'advertise: "10.0.0.12:8080"'), machine))]).toEqual([]);
    expect([...(await ownNodes(config(host, 'advertise: "10.0.0.11:8080"'), machine))]).toEqual(["proxy-1"]);
  });
});
