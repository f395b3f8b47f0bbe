/**
 * Posts an event to a URL, signed in the form of Standard Webhooks (version 1, symmetric): whoever has the key knows who
 * sent it, and by id and time that it is no repetition. Redirects are failures: a signed event goes nowhere else.
 */
import { createHmac } from "node:crypto";
import { reasonOf } from "../../shared/errors.ts";
import type { HookOutcome } from "./hook-call.ts";

export interface Webhook {
  readonly url: string;
  /** The first is the usual one; while it is exchanged, each signs. */
  readonly keys: readonly Buffer[];
  readonly id: string;
  readonly body: string;
  /** Of this try; receivers refuse one that is old. */
  readonly wallMs: number;
  readonly signal: AbortSignal;
}

export async function postWebhook({ url, keys, id, body, wallMs, signal }: Webhook): Promise<HookOutcome> {
  const timestamp = String(Math.floor(wallMs / 1000));
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": keys.map((key) => signatureOf(key, `${id}.${timestamp}.${body}`)).join(" "),
  };
  try {
    const answer = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    await answer.body?.cancel();
    if (answer.ok) return { type: "done", output: "" };
    return { type: "failed", reason: `it answered ${answer.status}`, output: "" };
  } catch (error) {
    // `fetch` says no more than that it failed; its cause says why.
    const cause = error instanceof TypeError ? (error.cause ?? error) : error;
    return { type: "failed", reason: reasonOf(cause), output: "" };
  }
}

const signatureOf = (key: Buffer, content: string): string =>
  `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
