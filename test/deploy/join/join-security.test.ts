/** Who cannot join, and what nobody can learn from listening. */
import { join } from "node:path";
import { existsSync, writeFileSync } from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import { parseJoinToken } from "../../../deploy/cli/join/join-token.ts";
import type { Address } from "../../../shared/config/config.ts";
import { parseAddress } from "../../../shared/config/parse-address.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import { systemRandom } from "../../../shared/random.ts";
import { InvitationKey, welcomeAbout } from "../../../shared/signature/invitation-key.ts";
import { KeyRing, type Secret } from "../../../shared/signature/key-ring.ts";
import { signRequest } from "../../../shared/signature/message-signature.ts";
import { makeNonce, makeSeries } from "../../../shared/signature/nonce.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { encodeEnvelope } from "../../../shared/wire/envelope.ts";
import type { MessageClient } from "../../../shared/wire/message-client.ts";
import { PROTOCOL } from "../../../shared/wire/protocol-range.ts";
import { temporaryFolder } from "../../shared/config/example-config.ts";
import { startClient } from "../../shared/wire/nodes.ts";
import { until } from "../../until.ts";
import { hotspare } from "../console.ts";
import { invitingCluster, type InvitingCluster } from "./inviting-cluster.ts";

const folder = temporaryFolder();
const HOST = parseNodeId("host-a");
const NEWCOMER = parseNodeId("host-d");

const keyOf = (token: string): InvitationKey => new InvitationKey(parseJoinToken(token).bytes);
const addressOf = ({ address }: InvitingCluster): Address => parseAddress(address) ?? expect.unreachable();

function clientOf(secret: Secret): MessageClient {
  const client = startClient({ self: NEWCOMER, secret });
  onTestFinished(() => client.close());
  return client;
}

const nothingMade = ({ machine, welcomed }: InvitingCluster): void => {
  expect(existsSync(join(machine, "hotspare.yaml")) || existsSync(join(machine, "cluster.key"))).toBe(false);
  expect(welcomed).toEqual([]);
};

it("neither the secret nor the token nor the configuration goes over the wire in clear, without TLS", async () => {
  const cluster = await invitingCluster(folder);
  const { token } = await cluster.invite();
  expect(await cluster.join(token)).toMatchObject({ code: 0 });
  const heard = cluster.heard().toString("latin1");
  expect(heard).toContain("/hotspare/v1/join");
  const bytes = [Buffer.from(cluster.secret, "hex"), parseJoinToken(token).bytes];
  const forms = ["hex", "base64", "base64url", "latin1"] as const;
  for (const secret of bytes) for (const form of forms) expect(heard).not.toContain(secret.toString(form));
  expect(heard).not.toContain("at the door");
});

it("a token that was made up is refused without being told what is wrong, and counted", async () => {
  const cluster = await invitingCluster(folder);
  await cluster.invite();
  const forged = `hs1.demo.host-a.${systemRandom.bytes(32).toString("base64url")}`;
  const { code, err } = await cluster.join(forged);
  expect([code, err]).toEqual([69, expect.stringContaining("HS_INVITATION_REFUSED")]);
  expect(err).not.toContain(forged);
  await until(() => cluster.refused.some(({ code: of }) => of === "HS_SIGNATURE_INVALID"));
  nothingMade(cluster);
});

it("the token of another cluster with another secret is refused", async () => {
  const [one, other] = [await invitingCluster(folder), await invitingCluster(folder)];
  const { token } = await other.invite();
  expect(await one.join(token)).toMatchObject({
    code: 69,
    err: expect.stringContaining("HS_INVITATION_REFUSED") as string,
  });
  nothingMade(one);
});

it("a token is good once, and who comes later is told who came first", async () => {
  const cluster = await invitingCluster(folder);
  const { token } = await cluster.invite();
  await cluster.join(token);
  const own = ["--id", "host-e", "--listen", "127.0.0.1:7140", "--control", "127.0.0.1:7141"];
  const { code, err } = await cluster.join(token, ...own);
  expect([code, err]).toEqual([69, expect.stringContaining("used already, by host-d")]);
  expect(cluster.welcomed).toEqual(["host-d"]);
});

it("a token opens nothing but its own welcome: it signs no other message", async () => {
  const cluster = await invitingCluster(folder);
  const { signing } = keyOf((await cluster.invite()).token);
  const client = clientOf(new KeyRing([signing], systemClock));
  const to = { to: HOST, address: addressOf(cluster), timeoutMs: 5000 };
  const change = { type: "remove", node: "host-a" } as const;
  const tries = [
    await client.send("decide", { ...to, body: { base: 0, change, by: "x", reason: "x" } }),
    await client.send("heartbeat", { ...to, body: { bootId: null, originMs: 0 } }),
    await client.send("invite", { ...to, body: { invitation: "1".repeat(32), keyId: "1".repeat(16), lifeMs: 1 } }),
  ];
  for (const result of tries) expect(result).toMatchObject({ code: "HS_SIGNATURE_INVALID", proof: "unsigned" });
});

it("the cluster's secret is no invitation", async () => {
  const cluster = await invitingCluster(folder);
  await cluster.invite();
  const client = clientOf(Buffer.from(cluster.secret, "hex"));
  const sending = { to: HOST, address: addressOf(cluster), timeoutMs: 5000, body: {} };
  expect(await client.send("join", sending)).toMatchObject({ code: "HS_SIGNATURE_INVALID" });
});

it("a recorded request gets nothing when it is sent again", async () => {
  const cluster = await invitingCluster(folder);
  const key = keyOf((await cluster.invite()).token);
  const request = await recorded(cluster, key);
  const first = await request();
  expect(first.status).toBe(200);
  const { body } = (await first.json()) as { body: { sealed: string } };
  expect(key.open(body.sealed, welcomeAbout("demo", HOST, NEWCOMER))).toContain(cluster.secret);
  const again = await request();
  expect([again.status, await again.text()]).toEqual([401, expect.stringContaining("HS_SIGNATURE_INVALID")]);
  expect(cluster.welcomed).toEqual(["host-d"]);
});

it("nobody is invited or let in while the secret is rotated: a key that was stolen must not open the next one", async () => {
  const cluster = await invitingCluster(folder);
  const { token } = await cluster.invite();
  const { secret } = cluster.config;
  const file = "file" in secret ? secret.file : expect.unreachable();
  writeFileSync(file, `${cluster.secret}\n${systemRandom.bytes(32).toString("hex")} # new\n`);
  const { code, err } = await cluster.join(token);
  expect([code, err]).toEqual([69, expect.stringContaining("the secret is being replaced")]);
  expect(await hotspare(["invite", "--config", cluster.config.file], { clock: systemClock })).toMatchObject({
    code: 69,
    err: expect.stringContaining("HS_INVITATION_REFUSED") as string,
  });
  nothingMade(cluster);
});

it("an answer is good for the machine that asked, and no other", async () => {
  const cluster = await invitingCluster(folder);
  const key = keyOf((await cluster.invite()).token);
  const { body } = (await (await (await recorded(cluster, key))()).json()) as { body: { sealed: string } };
  expect(key.open(body.sealed, welcomeAbout("demo", HOST, parseNodeId("host-e")))).toBeNull();
});

/** The request of a newcomer, letter for letter the same each time. */
async function recorded({ address }: InvitingCluster, key: InvitationKey): Promise<() => Promise<Response>> {
  const heading = {
    cluster: "demo",
    from: NEWCOMER,
    to: HOST,
    sentAt: 1,
    id: "1".repeat(32),
    protocol: PROTOCOL,
    speaks: PROTOCOL.min,
  };
  const body = encodeEnvelope(heading, {});
  const target = "/hotspare/v1/join";
  const created = { nonce: makeNonce(makeSeries(systemRandom), 1, systemRandom), createdMs: systemClock.wallMs() };
  const signed = await signRequest(key.message, { method: "POST", authority: address, target, body }, created);
  const headers = { ...signed, "content-type": "application/json" };
  return () => fetch(`http://${address}${target}`, { method: "POST", headers, body });
}
