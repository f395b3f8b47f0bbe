/** Who is let in with an invitation, and who is not. */
import { describe, expect, it } from "vitest";
import { Reception } from "../../host/reception.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { systemRandom } from "../../shared/random.ts";
import { InvitationKey, invitationToken, welcomeAbout } from "../../shared/signature/invitation-key.ts";
import { KeyRing } from "../../shared/signature/key-ring.ts";
import { HOST, SECRET } from "../shared/wire/nodes.ts";
import { HandClock } from "./hand-clock.ts";

const NEWCOMER = parseNodeId("host-d");
const KEY = Buffer.from(SECRET).toString("hex");
const WELCOME = { configuration: "cluster: demo\n", secret: `${KEY}\n` };
const NEW_KEY = "9e".repeat(32);
const HOUR_MS = 3_600_000;

function reception(read = () => Promise.resolve(WELCOME)) {
  const clock = new HandClock();
  const keys = new KeyRing([SECRET], clock);
  const welcomed: string[] = [];
  const onWelcomed = (node: string): void => void welcomed.push(node);
  const made = new Reception({ host: HOST, cluster: "demo", keys, clock, random: systemRandom, read, onWelcomed });
  let last = 0;
  const invite = (lifeMs = HOUR_MS, number = ++last): InvitationKey => {
    const invitation = number.toString(16).padStart(32, "0");
    made.invite({ invitation, keyId: keys.signing.id, lifeMs });
    return new InvitationKey(invitationToken(SECRET, invitation));
  };
  const come = async (key: InvitationKey) => {
    const { sealed } = await made.welcome(key.message.id, NEWCOMER);
    return key.open(sealed, welcomeAbout("demo", HOST, NEWCOMER));
  };
  return { made, clock, keys, welcomed, invite, come };
}

const refusedFor = (reason: string) => ({
  code: "HS_INVITATION_REFUSED",
  message: expect.stringContaining(reason) as string,
});

describe("an invited machine", () => {
  it("gets configuration and secret, and its name is told", async () => {
    const { invite, come, welcomed } = reception();
    expect(JSON.parse((await come(invite())) ?? "")).toEqual(WELCOME);
    expect(welcomed).toEqual([NEWCOMER]);
  });

  it("is refused the second time, and told who came before", async () => {
    const { invite, come } = reception();
    const key = invite();
    await come(key);
    await expect(come(key)).rejects.toMatchObject(refusedFor("used already, by host-d"));
  });

  it("is let in once, if two come with one token at the same time", async () => {
    const { invite, come, welcomed } = reception();
    const key = invite();
    const ends = await Promise.allSettled([come(key), come(key)]);
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(welcomed).toHaveLength(1);
  });

  it("is refused when the time is over, and hears so", async () => {
    const { invite, come, clock, made } = reception();
    const key = invite(1000);
    await clock.pass(1000);
    expect(made.accepted(key.message.id)).not.toBeNull();
    await expect(come(key)).rejects.toMatchObject(refusedFor("its time is over"));
  });

  it("gets no secret with a key that its invitation was not made from: that one may be stolen", async () => {
    const { invite, come, welcomed } = reception(() =>
      Promise.resolve({ ...WELCOME, secret: `${KEY}\n${NEW_KEY} # new\n` }),
    );
    await expect(come(invite())).rejects.toMatchObject(refusedFor("being replaced"));
    expect(welcomed).toEqual([]);
  });

  it("gets nothing when the key that its invitation was made from is the cluster's no more", async () => {
    const { invite, come, keys, welcomed } = reception(() => Promise.resolve({ ...WELCOME, secret: NEW_KEY }));
    const key = invite();
    keys.replace([Buffer.from(NEW_KEY, "hex")]);
    await expect(come(key)).rejects.toMatchObject(refusedFor("replaced since"));
    expect(welcomed).toEqual([]);
  });

  it("may come again if the host could not read its files", async () => {
    let tries = 0;
    const { invite, come } = reception(() =>
      ++tries === 1 ? Promise.reject(new Error("gone")) : Promise.resolve(WELCOME),
    );
    const key = invite();
    await expect(come(key)).rejects.toThrow("gone");
    expect(await come(key)).not.toBeNull();
  });
});

describe("an invitation", () => {
  it("of nobody is not accepted, whoever signs", () => {
    const { made } = reception();
    expect(made.accepted(new KeyRing([SECRET], new HandClock()).signing.id)).toBeNull();
  });

  it("that somebody recorded cannot be opened again", async () => {
    const { invite, come } = reception();
    await come(invite(HOUR_MS, 1));
    expect(() => invite(HOUR_MS, 1)).toThrow(expect.objectContaining(refusedFor("made already")));
  });

  it("of a key that the host does not have is refused", () => {
    const { made } = reception();
    const request = { invitation: "1".repeat(32), keyId: "0".repeat(16), lifeMs: 1 };
    expect(() => made.invite(request)).toThrow(expect.objectContaining(refusedFor("not known here")));
  });

  it("cannot live longer than a day", () => {
    expect(() => reception().invite(25 * HOUR_MS)).toThrow(expect.objectContaining(refusedFor("24 h")));
  });

  it("is refused when 64 are open; one that is over makes room, and those that are open stay", async () => {
    const { invite, come, made } = reception();
    const keys = Array.from({ length: 64 }, () => invite());
    expect(() => invite()).toThrow(expect.objectContaining(refusedFor("64 are open")));
    await come(keys[5]!);
    invite();
    expect(keys.map(({ message }) => made.accepted(message.id) !== null)).toEqual(keys.map((_, at) => at !== 5));
  });

  it("that was over for long is forgotten", async () => {
    const { invite, clock, made } = reception();
    const key = invite(1000);
    await clock.pass(1000 + HOUR_MS);
    invite();
    expect(made.accepted(key.message.id)).toBeNull();
  });
});
