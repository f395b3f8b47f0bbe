import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatByteSize, parseByteSize } from "../../../shared/config/byte-size.ts";
import { formatDuration, parseDuration } from "../../../shared/config/duration.ts";
import { isWildcard, parseAddress } from "../../../shared/config/parse-address.ts";
import { formatAddress } from "../../../shared/config/config.ts";
import { didYouMean } from "../../../shared/config/did-you-mean.ts";

describe("durations", () => {
  it.each([
    ["250ms", 250],
    ["10s", 10_000],
    ["10m", 600_000],
    ["1h", 3_600_000],
    ["1d", 86_400_000],
    ["1.5s", 1500],
    ["0", 0],
  ])("%s is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(["10", "10 s", "-1s", "1.5ms", "1e3ms", "ms", "", "1h30m", "10S", "9999999999999999d"])(
    "%j is refused rather than guessed",
    (text) => expect(parseDuration(text)).toBeNull(),
  );

  it("reads back every duration it writes", () => {
    fc.assert(fc.property(fc.maxSafeNat(), (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});

describe("sizes", () => {
  it.each([
    ["1B", 1],
    ["64KiB", 65_536],
    ["256MiB", 268_435_456],
    ["1.5GiB", 1_610_612_736],
    ["0", 0],
  ])("%s is %d bytes", (text, bytes) => expect(parseByteSize(text)).toBe(bytes));

  it.each(["256MB", "256", "1.0001KiB", "-1B", "MiB", "", "9999999TiB"])("%j is refused rather than guessed", (text) =>
    expect(parseByteSize(text)).toBeNull(),
  );

  it("reads back every size it writes", () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseByteSize(formatByteSize(bytes)) === bytes));
  });
});

describe("addresses", () => {
  it.each([
    ["127.0.0.1:8080", "127.0.0.1", 8080],
    ["[::1]:1", "::1", 1],
    ["Host-A.example:65535", "host-a.example", 65_535],
    ["host_a:7100", "host_a", 7100],
  ])("%s has host %s", (text, host, port) => expect(parseAddress(text)).toEqual({ host, port }));

  it.each([
    "127.0.0.1",
    ":80",
    "::1:80",
    "[::1]",
    "host:0",
    "host:65536",
    "127.0.1:80",
    "1.2.3.256:80",
    "a b:80",
    "http://a:80",
    "[nonsense]:80",
  ])("%j is refused", (text) => expect(parseAddress(text)).toBeNull());

  it("reads back every address it writes", () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
        const address = parseAddress(formatAddress({ host: name, port }));
        expect(address).toEqual({ host: name.toLowerCase(), port });
      }),
    );
  });

  it("knows the addresses that stand for every interface", () => {
    const wild = ["0.0.0.0:80", "[::]:80", "127.0.0.1:80"].map((text) => isWildcard(parseAddress(text)!));
    expect(wild).toEqual([true, true, false]);
  });
});

describe("what was meant", () => {
  it.each([
    ["intervall", "interval"],
    ["helth", "health"],
    ["Pools", "pools"],
    ["zebra", null],
  ])("%s: %s", (word, meant) => expect(didYouMean(word, ["interval", "health", "pools", "proxies"])).toBe(meant));
});
