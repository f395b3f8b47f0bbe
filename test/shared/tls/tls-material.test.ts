import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isHotspareError } from "../../../shared/errors.ts";
import { tlsConcerns } from "../../../shared/tls/tls-concerns.ts";
import { readTlsMaterial } from "../../../shared/tls/tls-material.ts";
import { Authority, openssl } from "../../certificates.ts";

const ours = new Authority("ours");
const theirs = new Authority("theirs");
const good = ours.issue("good");
afterAll(() => [ours, theirs].forEach((authority) => authority.remove()));

const file = (name: string, text: string): string => {
  const path = join(ours.folder, name);
  writeFileSync(path, text);
  return path;
};

const encrypted = (): string => {
  const path = join(ours.folder, "encrypted.key");
  openssl(["pkcs8", "-topk8", "-in", good.key, "-passout", "pass:secret", "-out", path]);
  return path;
};

const small = (): { cert: string; key: string } => {
  const [cert, key] = [join(ours.folder, "small.crt"), join(ours.folder, "small.key")];
  openssl(["req", "-x509", "-newkey", "rsa:512", "-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=small"]);
  return { cert, key };
};

describe("files that cannot be used are named with their key:", () => {
  test.each([
    ["a certificate that is absent", () => ({ cert: "/absent/node.crt" }), "cert", "there is no such file"],
    ["a folder", () => (mkdirSync(join(ours.folder, "dir")), { key: join(ours.folder, "dir") }), "key", "not a file"],
    ["a text", () => ({ cert: file("text.crt", "hello") }), "cert", "no certificate in PEM"],
    ["a file without end", () => ({ ca: file("long.crt", " ".repeat(1024 * 1024 + 1)) }), "ca", "more than"],
    ["a damaged certificate", () => ({ cert: file("cut.crt", damaged()) }), "cert", ""],
    ["a key that is none", () => ({ key: good.cert }), "key", "no private key in PEM"],
    ["an encrypted key", () => ({ key: encrypted() }), "key", "without a passphrase"],
    ["the key of another certificate", () => ({ key: ours.issue("other").key }), "key", "does not belong to"],
    ["an empty CA", () => ({ ca: file("empty.crt", "") }), "ca", "no certificate in PEM"],
    ["a key that is too small", small, "cert", "too small"],
  ])("%s", async (_, spoil, part, reason) => {
    const files = { ...good, ...spoil() };
    const error: unknown = await readTlsMaterial("data", files).catch((thrown: unknown) => thrown);
    if (!isHotspareError(error)) throw new Error("it was accepted", { cause: error });
    expect([error.code, error.exit]).toEqual(["HS_TLS_UNUSABLE", 78]);
    expect(error.details).toMatchObject({ key: `tls.data.${part}`, file: files[part as "cert" | "key" | "ca"] });
    expect(error.details["reason"]).toContain(reason);
    expect(error.message).not.toMatch(/BEGIN [A-Z ]+-----\n/);
  });
});

const damaged = (): string => readFileSync(good.cert, "utf8").replace(/\n[A-Za-z0-9+/]{20}/, "\n");

test("what has not changed is not read into anything new", async () => {
  const first = await readTlsMaterial("data", good);
  expect(await readTlsMaterial("data", good, first)).toBe(first);
  chmodSync(good.cert, 0o600);
  expect(await readTlsMaterial("data", { ...good, ca: null }, first)).not.toBe(first);
});

describe("what needs attention", () => {
  const DAY_MS = 24 * 3_600_000;
  const at = async (days: number, files = good) =>
    tlsConcerns(await readTlsMaterial("control", files), Date.now() + days * DAY_MS);

  test("is nothing with a certificate of its CA in its time", async () => expect(await at(1)).toEqual([]));

  test.each([
    [20, /control\.cert: the certificate of CN=good expires on \d{4}-/],
    [40, /control\.cert: the certificate of CN=good expired on/],
    [-1, /control\.cert: the certificate of CN=good is not valid before/],
  ])("after %i days is its time, and that of the CA", async (days, text) => {
    const concerns = await at(days);
    expect(concerns[0]).toMatch(text);
    expect(concerns[1]).toMatch(/^tls\.control\.ca: the certificate of CN=ours/);
  });

  test("is a certificate that the other nodes will not take", async () => {
    expect(await at(1, { ...good, ca: theirs.ca })).toEqual([
      "tls.control.cert is not signed by tls.control.ca: other nodes will refuse it",
    ]);
  });
});
