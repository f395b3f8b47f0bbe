import { createHmac, type timingSafeEqual } from "node:crypto";
import { createRequire } from "node:module";
import { inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { systemRandom } from "../../../shared/random.ts";
import { contentDigest } from "../../../shared/signature/content-digest.ts";
import { KeyRing } from "../../../shared/signature/key-ring.ts";
import { messageKey } from "../../../shared/signature/message-key.ts";
import {
  REQUEST_NONCE_FIELD,
  signAnswer,
  signRequest,
  verifyAnswer,
  verifyRequest,
  type Fields,
} from "../../../shared/signature/message-signature.ts";
import { makeNonce, makeSeries, parseNonce } from "../../../shared/signature/nonce.ts";
import { systemClock } from "../../../shared/system-clock.ts";

const SECRET = Buffer.alloc(32, 7);
const key = messageKey(SECRET);
const keys = new KeyRing([SECRET], systemClock);
const nonce = makeNonce(makeSeries(systemRandom), 1, systemRandom);
const request = {
  method: "POST",
  authority: "10.0.0.7:7101",
  target: "/hotspare/v1/promote?x=1",
  body: Buffer.from('{"a":1}'),
};
const createdMs = 1_700_000_000_000;

const signed = () => signRequest(key, request, { nonce, createdMs });

describe("a signed request", () => {
  it("is valid as it is, and says nonce and time", async () => {
    const verdict = await verifyRequest(keys, { ...request, fields: await signed() });
    expect(verdict).toEqual({ type: "valid", nonce, createdMs, key: keys.signing });
  });

  it("is what RFC 9421 says: checked by hand", async () => {
    const fields = await signed();
    const input = fields["signature-input"] ?? "";
    const base = [
      `"@method": POST`,
      `"@authority": 10.0.0.7:7101`,
      `"@path": /hotspare/v1/promote`,
      `"@query": ?x=1`,
      `"content-digest": ${contentDigest(request.body)}`,
      `"@signature-params": ${input.replace("hotspare=", "")}`,
    ].join("\n");
    const expected = createHmac("sha256", SECRET).update(base).digest("base64");
    expect(fields["signature"]).toBe(`hotspare=:${expected}:`);
  });

  it.each([
    ["the method", { method: "PUT" }],
    ["the authority", { authority: "10.0.0.8:7101" }],
    ["the path", { target: "/hotspare/v1/appended?x=1" }],
    ["the query", { target: "/hotspare/v1/promote?x=2" }],
    ["the query's absence", { target: "/hotspare/v1/promote" }],
    ["the body", { body: Buffer.from('{"a":2}') }],
    ["the body's absence", { body: Buffer.alloc(0) }],
  ])("refused when %s was changed", async (_, change) => {
    expect((await verifyRequest(keys, { ...request, fields: await signed(), ...change })).type).toBe("refused");
  });

  it("refused when body and digest were changed together", async () => {
    const body = Buffer.from('{"a":2}');
    const fields = { ...(await signed()), "content-digest": contentDigest(body) };
    expect((await verifyRequest(keys, { ...request, body, fields })).type).toBe("refused");
  });

  it("refused when any bit of any covered or signing field was changed", async () => {
    const fields = await signed();
    expect(Object.keys(fields).toSorted()).toEqual(["content-digest", "signature", "signature-input"]);
    for (const name of Object.keys(fields)) {
      const text = Buffer.from(fields[name] ?? "", "latin1");
      for (let bit = 0; bit < text.length * 8; bit++) {
        const changed = Buffer.from(text);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const verdict = await verifyRequest(keys, {
          ...request,
          fields: { ...fields, [name]: changed.toString("latin1") },
        });
        expect(verdict.type, `${name} bit ${bit}`).toBe("refused");
      }
    }
  });

  it("refused when any field is missing or doubled", async () => {
    const fields = await signed();
    for (const name of Object.keys(fields)) {
      const { [name]: value, ...rest } = fields;
      expect((await verifyRequest(keys, { ...request, fields: rest })).type, name).toBe("refused");
      const doubled: Fields = { ...rest, [name]: `${value}, ${value}` };
      expect((await verifyRequest(keys, { ...request, fields: doubled })).type, name).toBe("refused");
      const listed: Fields = { ...rest, [name]: [value ?? "", value ?? ""] };
      expect((await verifyRequest(keys, { ...request, fields: listed })).type, name).toBe("refused");
    }
  });

  it.each([
    ["any one component left out", (input: string) => allWithout(input)],
    ["a component more", (input: string) => [input.replace('"content-digest"', '"content-digest" "host"')]],
    ["an algorithm named", (input: string) => [`${input};alg="hmac-sha256"`, `${input};alg="none"`]],
    ["an end of its life", (input: string) => [`${input};expires=1`]],
    ["a second label", (input: string) => [`${input}, other=();created=1`, `other=(), ${input}`]],
    ["another label", (input: string) => [input.replace("hotspare=", "other=")]],
    ["no nonce", (input: string) => [input.replace(/;nonce=".*"/, "")]],
    ["no time", (input: string) => [input.replace(/;created=\d+/, "")]],
    ["components of another request", (input: string) => [input.replace('"@method"', '"@method";req')]],
  ])("refused, even if signed so with the secret: %s", async (_, change) => {
    const fields = await signed();
    const input = fields["signature-input"] ?? "";
    for (const changed of change(input)) {
      const forged = { ...fields, "signature-input": changed, signature: signBase(changed) };
      expect((await verifyRequest(keys, { ...request, fields: forged })).type, changed).toBe("refused");
    }
    // The forging itself is right: unchanged, it is accepted.
    const honest = { ...fields, "signature-input": input, signature: signBase(input) };
    expect((await verifyRequest(keys, { ...request, fields: honest })).type).toBe("valid");
  });

  it("refused with another secret, and names neither", async () => {
    const other = messageKey(Buffer.alloc(32, 8));
    const verdict = await verifyRequest(new KeyRing([Buffer.alloc(32, 8)], systemClock), {
      ...request,
      fields: await signed(),
    });
    expect(verdict).toEqual({ type: "refused", reason: expect.stringContaining("the key is not known") as string });
    const impostor = await signRequest({ ...other, id: key.id, signing: { ...other.signing, id: key.id } }, request, {
      nonce,
      createdMs,
    });
    expect((await verifyRequest(keys, { ...request, fields: impostor })).type).toBe("refused");
  });

  it("is not an answer, nor an answer a request", async () => {
    const fields = await signed();
    const asAnswer = { status: 200, requestNonce: nonce.text, body: request.body, fields };
    expect((await verifyAnswer(keys, asAnswer)).type).toBe("refused");
    const answer = await signAnswer(key, { status: 200, requestNonce: nonce.text, body: request.body }, createdMs);
    expect((await verifyRequest(keys, { ...request, fields: answer })).type).toBe("refused");
  });
});

describe("a signed answer", () => {
  const answer = { status: 200, requestNonce: nonce.text, body: Buffer.from("{}") };
  const signedAnswer = () => signAnswer(key, answer, createdMs);

  it("is valid as it is", async () => {
    expect(await verifyAnswer(keys, { ...answer, fields: await signedAnswer() })).toEqual({ type: "valid" });
  });

  it("refused when status, body or any bit of a field was changed", async () => {
    const fields = await signedAnswer();
    expect((await verifyAnswer(keys, { ...answer, fields, status: 201 })).type).toBe("refused");
    expect((await verifyAnswer(keys, { ...answer, fields, body: Buffer.from("[]") })).type).toBe("refused");
    for (const name of Object.keys(fields)) {
      const text = Buffer.from(fields[name] ?? "", "latin1");
      for (let bit = 0; bit < text.length * 8; bit++) {
        const changed = Buffer.from(text);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const verdict = await verifyAnswer(keys, {
          ...answer,
          fields: { ...fields, [name]: changed.toString("latin1") },
        });
        expect(verdict.type, `${name} bit ${bit}`).toBe("refused");
      }
    }
  });

  it("of an earlier request is none to this one, also if its nonce field is changed", async () => {
    const requestNonce = makeNonce(nonce.series, 2, systemRandom).text;
    const fields = await signedAnswer();
    expect((await verifyAnswer(keys, { ...answer, fields, requestNonce })).type).toBe("refused");
    const relabelled = { ...fields, [REQUEST_NONCE_FIELD]: requestNonce };
    expect((await verifyAnswer(keys, { ...answer, fields: relabelled, requestNonce })).type).toBe("refused");
  });
});

describe("keys and nonces", () => {
  it("a signature is compared in constant time, right or wrong, and every other way is refused before", async () => {
    // What the library has of it, which takes the module's own object.
    const crypto = createRequire(import.meta.url)("node:crypto") as { timingSafeEqual: typeof timingSafeEqual };
    const compare = vi.spyOn(crypto, "timingSafeEqual");
    try {
      const fields = await signed();
      await verifyRequest(keys, { ...request, fields });
      await verifyRequest(keys, { ...request, fields: { ...fields, signature: `hotspare=:${"A".repeat(43)}=:` } });
      const outcomes = compare.mock.results.map(({ value }) => value as boolean);
      expect(outcomes).toEqual([true, false]);
      for (const [found, expected] of compare.mock.calls) {
        expect([found.byteLength, expected.byteLength]).toEqual([32, 32]);
      }
    } finally {
      compare.mockRestore();
    }
  });

  it("a key shows its secret neither in logs nor in JSON", () => {
    const secret = SECRET.toString("hex").slice(0, 16);
    expect(inspect(key, { depth: 9, showHidden: true })).not.toContain(SECRET.toString());
    expect(JSON.stringify(key)).not.toContain(secret);
    expect(key.id).not.toContain(secret.slice(0, 8));
  });

  it.each([
    "",
    "x",
    `${"a".repeat(32)}-0-${"b".repeat(16)}`,
    `${"a".repeat(32)}-1-${"b".repeat(15)}`,
    `${nonce.text}\n`,
  ])("%j is no nonce", (text) => expect(parseNonce(text)).toBeNull());
});

function allWithout(input: string): string[] {
  const components = /\((.*)\)/.exec(input)?.[1]?.split(" ") ?? [];
  return components.map((left) =>
    input.replace(/\(.*\)/, `(${components.filter((component) => component !== left).join(" ")})`),
  );
}

/** Signs by the RFC whatever `input` claims to cover. */
function signBase(input: string): string {
  const values: Record<string, string> = {
    '"@method"': "POST",
    '"@authority"': request.authority,
    '"@path"': "/hotspare/v1/promote",
    '"@query"': "?x=1",
    '"content-digest"': contentDigest(request.body),
  };
  const components = /hotspare=\((.*?)\)/.exec(input)?.[1]?.split(" ") ?? [];
  const lines = components.map((component) => `${component}: ${values[component] ?? ""}`);
  const base = [...lines, `"@signature-params": ${input.replace(/^.*hotspare=/, "")}`].join("\n");
  return `hotspare=:${createHmac("sha256", SECRET).update(base).digest("base64")}:`;
}
