/**
 * Signatures of requests and answers between nodes: RFC 9421 in one exact form.
 *
 * A request covers `@method`, `@authority`, `@path`, `@query` and `content-digest`, with `created`, `keyid` and `nonce`:
 * the target URI without its scheme, which a TLS terminator may change. `@authority` is the `Host` field as the sender
 * wrote it and is not compared with the own address, so that a host may be reached under any `advertise`; that a message
 * is for this node is told by `to` in its envelope. An answer covers `@status`, `content-digest` and
 * `hotspare-request-nonce`, the nonce of the request: it answers that request and no other.
 *
 * The fields `Signature-Input` and `Signature` are accepted only letter for letter as they are made here: one signature, these
 * components in this order, these parameters, no `alg`, no second label, canonical base64. All that goes wrong is a
 * refusal with its reason; nothing throws. Neither time nor repetition is judged here: see `replay-guard.ts` and the receiver.
 */
import { httpbis, type ComponentParser } from "http-message-signatures";
import { contentDigest } from "./content-digest.ts";
import type { MessageKey } from "./message-key.ts";
import { NONCE_PATTERN, parseNonce, type Nonce } from "./nonce.ts";

export type Fields = Readonly<Record<string, string | string[] | undefined>>;

export interface RequestToSign {
  readonly method: string;
  /** `Host` field, as sent. */
  readonly authority: string;
  /** Path and query, as sent. */
  readonly target: string;
  readonly body: Uint8Array;
}

export interface AnswerToSign {
  readonly status: number;
  /** Text of the request's nonce. */
  readonly requestNonce: string;
  readonly body: Uint8Array;
}

/** The keys that are accepted, by their ids. */
export interface AcceptedKeys {
  accepted(id: string): MessageKey | null;
}

export type RequestVerdict =
  /** `key`: what it was signed with. The answer is signed with the same: its sender may know no newer one. */
  | { readonly type: "valid"; readonly nonce: Nonce; readonly createdMs: number; readonly key: MessageKey }
  | { readonly type: "refused"; readonly reason: string };

export type AnswerVerdict = { readonly type: "valid" } | { readonly type: "refused"; readonly reason: string };

export const REQUEST_NONCE_FIELD = "hotspare-request-nonce";

const LABEL = "hotspare";
const REQUEST_COMPONENTS = ["@method", "@authority", "@path", "@query", "content-digest"];
const ANSWER_COMPONENTS = ["@status", "content-digest", REQUEST_NONCE_FIELD];
const REQUEST_INPUT = inputPattern(REQUEST_COMPONENTS, `;nonce="(?<nonce>${NONCE_PATTERN})"`);
const ANSWER_INPUT = inputPattern(ANSWER_COMPONENTS, "");
/** 32 bytes in base64; the last digit before `=` carries four bits, so that only these sixteen are canonical. */
const SIGNATURE = new RegExp(`^${LABEL}=:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=:$`);
const WRONG_INPUT = "Signature-Input does not have the one accepted form";
const WRONG_SIGNATURE = "Signature does not have the one accepted form";

/** The fields to add to the request, names in lower case. `createdMs` is wall time. */
export async function signRequest(
  key: MessageKey,
  request: RequestToSign,
  created: { readonly nonce: Nonce; readonly createdMs: number },
): Promise<Record<string, string>> {
  const { headers } = await httpbis.signMessage(
    {
      name: LABEL,
      key: key.signing,
      fields: REQUEST_COMPONENTS,
      params: ["created", "keyid", "nonce"],
      paramValues: { created: new Date(created.createdMs), keyid: key.id, nonce: created.nonce.text },
      componentParser: requestComponents(request),
    },
    { method: request.method, url: request.target, headers: { "content-digest": contentDigest(request.body) } },
  );
  return lowerCase(headers);
}

/** Whether the fields are those of a signature that a node could have made, before anything is computed; `null`: they are. */
export function refusedForm({ "signature-input": input, signature }: Fields): string | null {
  if (input === undefined || signature === undefined) return "there is none";
  if (typeof input !== "string" || !REQUEST_INPUT.test(input)) return WRONG_INPUT;
  return typeof signature === "string" && SIGNATURE.test(signature) ? null : WRONG_SIGNATURE;
}

export async function verifyRequest(
  keys: AcceptedKeys,
  request: RequestToSign & { readonly fields: Fields },
): Promise<RequestVerdict> {
  const { fields, body } = request;
  const signed = readSignature(keys, REQUEST_INPUT, fields);
  if (signed.type === "refused") return signed;
  const { key, createdMs } = signed;
  const nonce = parseNonce(signed.nonce);
  if (nonce === null) return refused("the nonce is malformed");
  if (fields["content-digest"] !== contentDigest(body)) return refused("the content digest does not fit the body");
  const message = { method: request.method, url: request.target, headers: signedFields(fields) };
  const valid = await isTrue(() =>
    httpbis.verifyMessage({ ...verifyConfig(key), componentParser: requestComponents(request) }, message),
  );
  return valid ? { type: "valid", nonce, createdMs, key } : refused("the signature does not fit");
}

/** The fields to add to the answer, names in lower case. */
export async function signAnswer(
  key: MessageKey,
  answer: AnswerToSign,
  createdMs: number,
): Promise<Record<string, string>> {
  const { headers } = await httpbis.signMessage(
    {
      name: LABEL,
      key: key.signing,
      fields: ANSWER_COMPONENTS,
      params: ["created", "keyid"],
      paramValues: { created: new Date(createdMs), keyid: key.id },
    },
    {
      status: answer.status,
      headers: { "content-digest": contentDigest(answer.body), [REQUEST_NONCE_FIELD]: answer.requestNonce },
    },
  );
  return lowerCase(headers);
}

/** Whether the answer is a node's of this cluster, whole, and the one to the request with `requestNonce`. */
export async function verifyAnswer(
  keys: AcceptedKeys,
  answer: AnswerToSign & { readonly fields: Fields },
): Promise<AnswerVerdict> {
  const { fields, body, status } = answer;
  const signed = readSignature(keys, ANSWER_INPUT, fields);
  if (signed.type === "refused") return signed;
  if (fields[REQUEST_NONCE_FIELD] !== answer.requestNonce) return refused("it answers another request");
  if (fields["content-digest"] !== contentDigest(body)) return refused("the content digest does not fit the body");
  const valid = await isTrue(() =>
    httpbis.verifyMessage(verifyConfig(signed.key), { status, headers: signedFields(fields) }),
  );
  return valid ? { type: "valid" } : refused("the signature does not fit");
}

type ReadSignature =
  | { readonly type: "read"; readonly createdMs: number; readonly nonce: string; readonly key: MessageKey }
  | { readonly type: "refused"; readonly reason: string };

function readSignature(keys: AcceptedKeys, form: RegExp, fields: Fields): ReadSignature {
  const { "signature-input": input, signature } = fields;
  if (input === undefined || signature === undefined) return refused("there is none");
  const parts = typeof input === "string" ? form.exec(input)?.groups : undefined;
  if (parts === undefined) return refused(WRONG_INPUT);
  if (typeof signature !== "string" || !SIGNATURE.test(signature)) return refused(WRONG_SIGNATURE);
  const key = keys.accepted(parts["keyid"] ?? "");
  if (key === null) return refused("the key is not known: do all nodes have the same secret?");
  return { type: "read", createdMs: Number(parts["created"]) * 1000, nonce: parts["nonce"] ?? "", key };
}

/** The time is judged by the receiver's own clock, so the library, which would ask the machine's, must not. */
const verifyConfig = (key: MessageKey) => ({
  keyLookup: () => Promise.resolve(key.verifying),
  notAfter: Number.MAX_SAFE_INTEGER,
});

/** The library says `false` or `null` or throws for what is not valid: only `true` counts. */
async function isTrue(verify: () => Promise<boolean | null>): Promise<boolean> {
  try {
    return (await verify()) === true;
  } catch {
    return false;
  }
}

/** The derived components from the raw text: no URL parser may see two targets as one. */
function requestComponents({ method, authority, target }: RequestToSign): ComponentParser {
  const cut = target.indexOf("?");
  const derived: Readonly<Record<string, string>> = {
    "@method": method,
    "@authority": authority,
    "@path": cut === -1 ? target : target.slice(0, cut),
    "@query": cut === -1 ? "?" : target.slice(cut),
  };
  return (name) => (derived[name] === undefined ? null : [derived[name]]);
}

/** Only what a signature may cover, each as one text. */
function signedFields(fields: Fields): Record<string, string> {
  const names = ["signature", "signature-input", "content-digest", REQUEST_NONCE_FIELD];
  return Object.fromEntries(names.flatMap((name) => (typeof fields[name] === "string" ? [[name, fields[name]]] : [])));
}

const lowerCase = (fields: Fields): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), String(value)]));

function inputPattern(components: readonly string[], tail: string): RegExp {
  const list = components.map((name) => `"${name}"`).join(" ");
  return new RegExp(`^${LABEL}=\\(${list}\\);created=(?<created>[0-9]{1,12});keyid="(?<keyid>[0-9a-f]{16})"${tail}$`);
}

const refused = (reason: string): { readonly type: "refused"; readonly reason: string } => ({
  type: "refused",
  reason,
});
