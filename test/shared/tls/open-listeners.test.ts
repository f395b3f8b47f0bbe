import { expect, test } from "vitest";
import { parseNodeId } from "../../../shared/ids.ts";
import { openListeners } from "../../../shared/tls/open-listeners.ts";
import { configOf, EXAMPLE } from "../config/example-config.ts";

const OPEN = EXAMPLE.replace('"127.0.0.1:8080"', '"0.0.0.0:8080", advertise: "10.0.0.1:8080"').replace(
  "127.0.0.1:7100",
  "10.0.0.1:7100",
);
const TLS = "tls: { public: { cert: a, key: b }, data: { cert: a, key: b } }\n";
const of = (text: string, id: string) => openListeners(configOf(text), parseNodeId(id));

test("a listener on loopback is guarded, and so are those of other nodes", () => {
  for (const id of ["proxy-1", "host-a", "host-b"]) expect(of(EXAMPLE, id)).toEqual([]);
  expect(of(OPEN, "host-b")).toEqual([]);
});

test("a listener that other machines reach is named with what guards it", () => {
  expect(of(OPEN, "proxy-1")).toEqual([
    { listener: "proxies[].listen", address: "0.0.0.0:8080", configure: "tls.public" },
  ]);
  expect(of(OPEN, "host-a")).toEqual([{ listener: "hosts[].listen", address: "10.0.0.1:7100", configure: "tls.data" }]);
});

test("with TLS it is guarded", () => {
  for (const id of ["proxy-1", "host-a"]) expect(of(OPEN + TLS, id)).toEqual([]);
});
