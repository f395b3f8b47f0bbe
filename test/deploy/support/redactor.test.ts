import { describe, expect, test } from "vitest";
import { Redactor } from "../../../deploy/cli/support/redactor.ts";

const key = Buffer.from(Array.from({ length: 32 }, (_, at) => at * 7 + 3));
const other = Buffer.from(Array.from({ length: 32 }, (_, at) => at * 5 + 201));
const redactor = new Redactor([key]);
const hash = "ab".repeat(32);

describe("takes out", () => {
  test.each([
    ["a key in hex", `x${key.toString("hex")}y`, key.toString("hex")],
    ["a key in large letters", key.toString("hex").toUpperCase(), key.toString("hex").toUpperCase()],
    ["a key in base64", `"${key.toString("base64")}"`, key.toString("base64").slice(0, 40)],
    ["a key in base64url", key.toString("base64url"), key.toString("base64url")],
    ["a key that stands where a hash is expected", `"hash":"${key.toString("hex")}"`, key.toString("hex")],
    ["a key that is none of the file's any more", `old key ${other.toString("hex")}`, other.toString("hex")],
    ["the same in base64", `key=${other.toString("base64")},`, other.toString("base64")],
    ["a field of a request", "Authorization: Basic dXNlcjpwYXNz\r\nHost: a", "dXNlcjpwYXNz"],
    ["a field in JSON", '{"authorization":"Digest abc","host":"a"}', "Digest"],
    ["fields in JSON that is a list", '{"set-cookie":["a=1","b=2"],"x":1}', "a=1"],
    ["a token in a sentence", "sent bearer abcdefgh.ijk to it", "abcdefgh.ijk"],
    ["a password in an address", "GET https://ann:hunter2@example.org/x", "hunter2"],
    ["a password in JSON", '{"db_password":"hunter2"}', "hunter2"],
    ["a token in a query", "/x?token=hunter2&y=1", "hunter2"],
    ["a key of a webhook", "cannot use whsec_c2hvcnRlcg here", "c2hvcnRlcg"],
    ["what an invitation prints", `join hs1.shop.host-a.${other.toString("base64url")}`, other.toString("base64url")],
    ["a private key", "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----", "MHcCAQEE"],
    ["a private key that is cut off", "-----BEGIN PRIVATE KEY-----\nMHcCAQEE", "MHcCAQEE"],
  ])("%s", (_, text, secret) => {
    const found = redactor.redact(text);
    expect(found).not.toContain(secret);
    expect(found).toContain("[redacted]");
  });
});

test.each([
  `{"configHash":"${hash}","n":1}`,
  `{"stateHash": "${hash}"}`,
  `pools/main/checkpoints/0000000000001077-${hash}.zst`,
  `{"keys":["1f0c9a2b7d3e4f58"]}`,
  `{"id":"6f0cb1a2fd4a0e1c5f1a38f0a7a3c2d1","file":"/var/lib/hotspare/very/long/path/that/is/no/key/at/all/cluster.key"}`,
  "hotspare_slot 1077\nGET /spaces/shop 200",
])("leaves what is no secret: %s", (text) => {
  expect(redactor.redact(text)).toBe(text);
});
