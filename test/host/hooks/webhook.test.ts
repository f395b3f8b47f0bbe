/** Webhooks against a server on this machine: what arrives can be verified, and whatever is no 2xx has failed. */
import { createHmac } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { callHook } from "../../../host/hooks/call-hook.ts";
import type { HookCall, HookOutcome } from "../../../host/hooks/hook-call.ts";
import { postWebhook } from "../../../host/hooks/webhook.ts";
import type { SecretSource } from "../../../shared/config/config.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { hookCall } from "./hook-event.ts";

interface Arrived {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

const KEYS = [Buffer.alloc(24, 1), Buffer.alloc(64, 2)];
const WRITTEN = KEYS.map((key) => `whsec_${key.toString("base64")}`).join("\n");

let arrived: Arrived[];
let answer: (response: ServerResponse) => unknown;
let folder: string;
const server = createServer((request, response) => {
  void (async () => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    arrived.push({ method: request.method, path: request.url, headers: request.headers, body });
    answer(response);
  })();
});

beforeEach(async () => {
  arrived = [];
  answer = (response) => response.writeHead(204).end();
  folder = mkdtempSync(join(tmpdir(), "hotspare-webhook-"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/events?a=1`;

const post = (secret: SecretSource = { env: "KEY" }, changes: Partial<HookCall> = {}): Promise<HookOutcome> =>
  callHook(hookCall({ type: "webhook", url: url(), secret }, changes), { clock: systemClock, env: { KEY: WRITTEN } });

describe("a webhook", () => {
  it("is signed as the receivers of Standard Webhooks expect", async () => {
    const key = Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64");
    const { signal } = new AbortController();
    const [id, body] = ["msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}'];
    await postWebhook({ url: url(), keys: [key], id, body, wallMs: 1_614_265_330_900, signal });
    expect(arrived[0]?.body).toBe(body);
    expect(arrived[0]?.headers).toMatchObject({
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  it("tells the event, signed with each key while one is exchanged", async () => {
    expect(await post()).toEqual({ type: "done", output: "" });
    expect(arrived).toMatchObject([{ method: "POST", path: "/events?a=1" }]);
    const headers = arrived[0]?.headers ?? {};
    const body = arrived[0]?.body ?? "";
    expect(JSON.parse(body)).toMatchObject({ type: "hotspare.before_handover", data: { pool: "main", epoch: 7 } });
    const signed = `msg_1.${String(headers["webhook-timestamp"])}.${body}`;
    const expected = KEYS.map((key) => `v1,${createHmac("sha256", key).update(signed).digest("base64")}`);
    expect(headers["webhook-signature"]).toBe(expected.join(" "));
  });

  it.each([400, 410, 500, 503])("that is answered with %i has failed", async (status) => {
    answer = (response) => response.writeHead(status).end("no");
    expect(await post()).toMatchObject({ type: "failed", reason: `it answered ${status}` });
  });

  it("follows no redirect: what is signed goes nowhere else", async () => {
    answer = (response) => response.writeHead(307, { location: "/elsewhere" }).end();
    expect(await post()).toMatchObject({ type: "failed", reason: "it answered 307" });
    expect(arrived.map(({ path }) => path)).toEqual(["/events?a=1"]);
  });

  it("that is never answered fails when its time is up", async () => {
    answer = () => undefined;
    expect(await post({ env: "KEY" }, { timeoutMs: 200 })).toMatchObject({ reason: "it did not end within 200ms" });
  });

  it("to a port where nobody listens has failed, and says why", async () => {
    const call = hookCall({ type: "webhook", url: "http://127.0.0.1:9/", secret: { env: "KEY" } });
    const outcome = await callHook(call, { clock: systemClock, env: { KEY: WRITTEN } });
    expect(outcome).toMatchObject({ type: "failed", reason: expect.not.stringMatching(/^fetch failed$/) as string });
  });

  it("reads its key anew each time", async () => {
    const file = join(folder, "hook.key");
    expect(await post({ file })).toMatchObject({ reason: expect.stringContaining(file) as string });
    writeFileSync(file, `${WRITTEN}\n`, { mode: 0o600 });
    expect(await post({ file })).toMatchObject({ type: "done" });
  });

  it("is not sent with a key that others may read", async () => {
    const file = join(folder, "hook.key");
    writeFileSync(file, WRITTEN);
    chmodSync(file, 0o644);
    expect(await post({ file })).toMatchObject({ reason: expect.stringContaining("chmod 600") as string });
    expect(arrived).toEqual([]);
  });

  it.each(["", "whsec_c2hvcnQ=", "whsec_!", "a".repeat(200), `${WRITTEN} ${WRITTEN} ${WRITTEN}`])(
    "is not sent with the key %j, which is not shown",
    async (KEY) => {
      const call = hookCall({ type: "webhook", url: url(), secret: { env: "KEY" } });
      const outcome = await callHook(call, { clock: systemClock, env: { KEY } });
      expect(outcome).toMatchObject({ type: "failed", reason: expect.stringContaining("variable KEY") as string });
      if (KEY !== "") expect(JSON.stringify(outcome)).not.toContain(KEY);
      expect(arrived).toEqual([]);
    },
  );
});
