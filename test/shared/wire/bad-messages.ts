/**
 * Every kind of bad message that the fuzz test sends, each made from a good one by chance: what a node would never send
 * (strangers', without a valid signature) and what one would send by mistake or out of malice (signed). Each knows the
 * status and the code that it must be refused with.
 */
import { createHash, createHmac } from "node:crypto";
import { formatAddress, type Address } from "../../../shared/config/config.ts";
import type { ErrorCode } from "../../../shared/errors.ts";
import { messageKey } from "../../../shared/signature/message-key.ts";
import type { Dice } from "../../simulation/dice.ts";
import { HOST, HOST_BOOT, PROXY, SECRET } from "./nodes.ts";

export interface BadMessage {
  readonly kind: string;
  readonly bytes: Buffer;
  readonly status: number;
  readonly code: ErrorCode;
}

/** What the HTTP server refuses by itself, so that the answer has no code; the receiver counts it all the same. */
export const isNoRequest = ({ kind }: BadMessage): boolean => kind === "no HTTP" || kind === "truncated";

interface Parts {
  readonly name: string;
  readonly body: Buffer;
  readonly secret: Buffer;
  readonly createdS: number;
  readonly nonce: string;
  /** Fields in place of those that the signature was made with. */
  readonly fields: Readonly<Record<string, string | null>>;
  /** What is sent in place of what was signed. */
  readonly sent: { readonly target?: string; readonly body?: Buffer; readonly method?: string };
}

type Envelope = Readonly<Record<string, unknown>>;

const DIGITS = "0123456789abcdef";
const WRONG = [null, true, 0, -1, 1.5, "", "x", [], {}, [1], { a: 1 }, "x".repeat(2000), 1e300] as const;

export class BadMessages {
  readonly #dice: Dice;
  readonly #address: Address;
  /** This sender's series of nonces; counters are never used twice, unless that is what is bad. */
  readonly #series: string;
  #counter = 0;
  /** A message that was accepted, to be sent again. */
  #replay: Buffer | null = null;

  constructor(dice: Dice, address: Address) {
    this.#dice = dice;
    this.#address = address;
    this.#series = this.#hex(32);
  }

  /** A heartbeat that must be answered; the id comes back in the answer. */
  good(): { readonly bytes: Buffer; readonly id: string } {
    const id = this.#hex(32);
    return { bytes: this.#made({ body: json(this.#heartbeat({ id })) }), id };
  }

  /** From now on this one is there to be sent again: it was accepted. */
  accepted(bytes: Buffer): void {
    this.#replay = bytes;
  }

  /** With a valid signature: the connection stays. */
  signed(): BadMessage {
    const makers = [
      ...Array.from({ length: 6 }, () => () => this.#wrongField()),
      () =>
        this.#invalid("foreign cluster", json(this.#heartbeat({ cluster: this.#dice.pick(["demo2", "x", "DEMO"]) }))),
      () => this.#invalid("wrong receiver", json(this.#heartbeat({ to: this.#dice.pick(["host-b", "proxy-1", "*"]) }))),
      () => this.#invalid("no JSON", this.#brokenJson()),
      () => this.#invalid("too deep", this.#tooDeep()),
      () =>
        this.#invalid("unknown message", json(this.#heartbeat({})), {
          name: this.#dice.pick(["heartbea", "stop", "%2e%2e"]),
        }),
      () =>
        this.#message("wrong boot", 409, "HS_MESSAGE_BOOT", {
          body: json(this.#heartbeat({ body: { bootId: this.#hex(32), originMs: 1 } })),
        }),
      () =>
        this.#message("version", 426, "HS_MESSAGE_VERSION", {
          body: json(this.#heartbeat({ protocol: { min: 2, max: this.#dice.whole(2, 65_535) } })),
        }),
      () =>
        this.#message("out of time", 401, "HS_SIGNATURE_INVALID", {
          name: "appended",
          createdS: nowS() + this.#dice.pick([-1, 1]) * this.#dice.whole(60, 1_000_000),
          body: json(this.#heartbeat({ body: { pool: "main", slot: 1 } })),
        }),
      () => this.#replayed(),
    ];
    return this.#dice.pick(makers)();
  }

  /** Without a valid signature, or no message at all: the connection ends. */
  stranger(): BadMessage {
    const body = json(this.#heartbeat({}));
    const makers = [
      () => this.#refused("unsigned", { fields: { signature: null, "signature-input": null } }),
      () => this.#refused("half signed", { fields: { [this.#dice.pick(["signature", "signature-input"])]: null } }),
      () => this.#refused("altered body", { body, sent: { body: this.#altered(body) } }),
      () =>
        this.#refused("altered path", {
          sent: { target: this.#dice.pick(["heartbeat?x=1", "promote", "stop", "x/y"]) },
        }),
      () => this.#refused("altered time", { fields: this.#alteredInput(/created=\d+/, `created=${nowS() + 1}`) }),
      () => this.#refused("altered nonce", { fields: this.#alteredInput(/nonce="\w{32}/, `nonce="${this.#hex(32)}`) }),
      () => this.#refused("unknown key", { fields: this.#alteredInput(/keyid="\w+"/, `keyid="${this.#hex(16)}"`) }),
      () => this.#refused("foreign secret", { secret: Buffer.from(this.#hex(64), "hex") }),
      () => this.#refused("impostor", { fields: { signature: `hotspare=:${"A".repeat(43)}=:` } }),
      () => this.#refused("altered digest", { fields: { "content-digest": digestOf(Buffer.from(this.#hex(8))) } }),
      () => this.#refused("malformed fields", { fields: this.#malformed() }),
      () => this.#refused("altered host", { fields: { host: "10.0.0.1:1" } }),
      () =>
        this.#message("wrong content type", 415, "HS_MESSAGE_INVALID", {
          fields: { "content-type": this.#dice.pick(["text/plain", "application/xml", "a/b;c"]) },
        }),
      () =>
        this.#message("too large", 413, "HS_MESSAGE_INVALID", {
          fields: { "content-length": String(this.#dice.whole(65_537, 1e9)) },
        }),
      () => this.#noHttp(),
      () => this.#truncated(),
    ];
    return this.#dice.pick(makers)();
  }

  /** What nobody looks at, behind a message that was refused. */
  unsigned(): Buffer {
    return this.#made({ fields: { signature: null } });
  }

  #wrongField(): BadMessage {
    const envelope: Record<string, unknown> = this.#heartbeat({});
    const inner = this.#dice.chance(0.4);
    const path = inner ? this.#dice.pick(["bootId", "originMs"]) : this.#dice.pick(FIELDS);
    const at: Record<string, unknown> = inner ? { ...(envelope["body"] as object) } : envelope;
    const value = this.#dice.pick(WRONG.filter((wrong) => !isRight(path, wrong)));
    if (this.#dice.chance(0.2)) delete at[path];
    else at[path] = value;
    return this.#invalid(`field ${path}`, json(inner ? { ...envelope, body: at } : at));
  }

  #replayed(): BadMessage {
    const bytes = this.#replay;
    if (bytes === null) return this.#wrongField();
    return { kind: "replayed", bytes, status: 401, code: "HS_SIGNATURE_INVALID" };
  }

  #brokenJson(): Buffer {
    const whole = json(this.#heartbeat({}));
    const proto = Buffer.from(whole.toString().replace('"body":{', '"body":{"__proto__":{"a":1},'));
    return this.#dice.pick([
      whole.subarray(0, this.#dice.whole(0, whole.length - 1)),
      Buffer.concat([whole, Buffer.from(this.#dice.pick(["}", "x", "{}"]))]),
      Buffer.from(this.#hex(this.#dice.whole(2, 64)), "hex").fill(0xff, 0, 1),
      proto,
      Buffer.from(this.#dice.pick(["[]", "null", "7", '"x"', "{}"])),
    ]);
  }

  #tooDeep(): Buffer {
    const depth = this.#dice.whole(17, 2000);
    const nested = this.#dice.chance(0.5)
      ? "[".repeat(depth) + "]".repeat(depth)
      : '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
    return Buffer.from(json(this.#heartbeat({})).toString().replace('"originMs":1', `"originMs":1,"more":${nested}`));
  }

  #altered(body: Buffer): Buffer {
    const changed = Buffer.from(body);
    const at = this.#dice.whole(0, changed.length - 1);
    changed[at] = (changed[at] ?? 0) ^ (1 << this.#dice.whole(0, 7));
    return changed;
  }

  #alteredInput(find: RegExp, replacement: string): Readonly<Record<string, string>> {
    return { "signature-input": this.#input(nowS(), this.#nonce(), SECRET).replace(find, replacement) };
  }

  #malformed(): Readonly<Record<string, string>> {
    const input = this.#input(nowS(), this.#nonce(), SECRET);
    return this.#dice.pick([
      { "signature-input": `${input};alg="hmac-sha256"` },
      { "signature-input": `${input}, other=();created=1` },
      { "signature-input": input.replace("hotspare", "other") },
      { "signature-input": input.replace('"@path" ', "") },
      { "signature-input": "(".repeat(this.#dice.whole(1, 4000)) },
      { signature: `hotspare=:${this.#hex(20)}:` },
      { signature: "x".repeat(this.#dice.whole(1, 4000)) },
      { signature: "" },
    ]);
  }

  #noHttp(): BadMessage {
    const text = this.#dice.pick([
      "NOTHING\r\n\r\n",
      "POST /hotspare/v1/heartbeat HTTP/9.9\r\n\r\n",
      "POST  /hotspare\r\nx\r\n\r\n",
      "POST /hotspare/v1/heartbeat HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
      "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\r\n\r\n",
      "POST /hotspare/v1/heartbeat HTTP/1.1\r\nbad header\r\n\r\n",
    ]);
    return { kind: "no HTTP", bytes: Buffer.from(text, "latin1"), status: 400, code: "HS_MESSAGE_INVALID" };
  }

  /** Nothing comes behind it: the sender has ended. */
  #truncated(): BadMessage {
    const whole = this.#made({});
    const bytes = whole.subarray(0, this.#dice.whole(20, whole.length - 1));
    return { kind: "truncated", bytes, status: 400, code: "HS_MESSAGE_INVALID" };
  }

  #invalid(kind: string, body: Buffer, parts: Partial<Parts> = {}): BadMessage {
    return this.#message(kind, 400, "HS_MESSAGE_INVALID", { body, ...parts });
  }

  #refused(kind: string, parts: Partial<Parts>): BadMessage {
    return this.#message(kind, 401, "HS_SIGNATURE_INVALID", parts);
  }

  #message(kind: string, status: number, code: ErrorCode, parts: Partial<Parts>): BadMessage {
    return { kind, status, code, bytes: this.#made(parts) };
  }

  /** Signed by hand, by the RFC: many times as fast as by the library, and a second opinion on it. */
  #made(parts: Partial<Parts>): Buffer {
    const { name = "heartbeat", body = json(this.#heartbeat({})), secret = SECRET, sent = {} } = parts;
    const authority = formatAddress(this.#address);
    const target = `/hotspare/v1/${name}`;
    const digest = digestOf(body);
    const input = this.#input(parts.createdS ?? nowS(), parts.nonce ?? this.#nonce(), secret);
    const base = [
      `"@method": POST`,
      `"@authority": ${authority}`,
      `"@path": ${target}`,
      `"@query": ?`,
      `"content-digest": ${digest}`,
      `"@signature-params": ${input.replace("hotspare=", "")}`,
    ].join("\n");
    const fields: Record<string, string | null> = {
      host: authority,
      "content-type": "application/json",
      "content-length": String((sent.body ?? body).length),
      "content-digest": digest,
      "signature-input": input,
      signature: `hotspare=:${createHmac("sha256", secret).update(base).digest("base64")}:`,
      ...parts.fields,
    };
    const lines = Object.entries(fields).flatMap(([key, value]) => (value === null ? [] : [`${key}: ${value}\r\n`]));
    const path = sent.target === undefined ? target : `/hotspare/v1/${sent.target}`;
    const head = `POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
    return Buffer.concat([Buffer.from(head, "latin1"), sent.body ?? body]);
  }

  #input(createdS: number, nonce: string, secret: Buffer): string {
    const key = secret === SECRET ? KEY_ID : messageKey(secret).id;
    return `hotspare=("@method" "@authority" "@path" "@query" "content-digest");created=${createdS};keyid="${key}";nonce="${nonce}"`;
  }

  #nonce(): string {
    return `${this.#series}-${++this.#counter}-${this.#hex(16)}`;
  }

  #heartbeat(more: Envelope): Record<string, unknown> {
    return {
      v: 1,
      protocol: { min: 1, max: 1 },
      speaks: 1,
      cluster: "demo",
      from: PROXY,
      to: HOST,
      sentAt: 0,
      id: this.#hex(32),
      body: { bootId: HOST_BOOT, originMs: 1 },
      ...more,
    };
  }

  #hex(length: number): string {
    return Array.from({ length }, () => DIGITS[this.#dice.whole(0, 15)]).join("");
  }
}

/** Of the envelope, without those whose wrong value is another refusal. */
const FIELDS = ["v", "protocol", "cluster", "from", "to", "sentAt", "id", "body"] as const;

/** A value that the schema takes is not wrong. */
function isRight(field: string, value: unknown): boolean {
  if (field === "sentAt") return typeof value === "number";
  if (field === "originMs") return typeof value === "number" && value >= 0;
  if (field === "from") return value === "x";
  return field === "bootId" && value === null;
}

const KEY_ID = messageKey(SECRET).id;
const nowS = (): number => Math.floor(Date.now() / 1000);
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const digestOf = (body: Buffer): string => `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
