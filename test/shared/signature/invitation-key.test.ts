/** What an invitation can be used for, and what not. */
import { describe, expect, it } from "vitest";
import { systemRandom } from "../../../shared/random.ts";
import { InvitationKey, invitationToken, welcomeAbout } from "../../../shared/signature/invitation-key.ts";
import { messageKey } from "../../../shared/signature/message-key.ts";

const SECRET = Buffer.alloc(32, 7);
const ONE = "1".repeat(32);
const ABOUT = welcomeAbout("demo", "host-a", "host-d");
const keyOf = (invitation: string, secret = SECRET): InvitationKey =>
  new InvitationKey(invitationToken(secret, invitation));

describe("the token", () => {
  it("is 256 bits, the same for everybody who has the secret, and another one for each invitation", () => {
    expect(invitationToken(SECRET, ONE)).toHaveLength(32);
    expect(invitationToken(SECRET, ONE)).toEqual(invitationToken(SECRET, ONE));
    const others = [invitationToken(SECRET, "2".repeat(32)), invitationToken(Buffer.alloc(32, 8), ONE)];
    for (const other of others) expect(other).not.toEqual(invitationToken(SECRET, ONE));
  });

  it("signs with a key that is neither the token nor one of the cluster", () => {
    const token = invitationToken(SECRET, ONE);
    const ids = [keyOf(ONE).message.id, messageKey(SECRET).id, messageKey(token).id];
    expect(new Set(ids).size).toBe(3);
  });
});

describe("what is sealed", () => {
  const sealed = keyOf(ONE).seal("the secret", ABOUT, systemRandom);

  it("is opened with the same token, and shows nothing", () => {
    expect(keyOf(ONE).open(sealed, ABOUT)).toBe("the secret");
    expect(Buffer.from(sealed, "base64").toString("latin1")).not.toContain("secret");
  });

  it("is another text each time", () => {
    expect(keyOf(ONE).seal("the secret", ABOUT, systemRandom)).not.toBe(sealed);
  });

  it.each([
    ["another token", keyOf("2".repeat(32)), ABOUT],
    ["the token of another secret", keyOf(ONE, Buffer.alloc(32, 8)), ABOUT],
    ["another newcomer", keyOf(ONE), welcomeAbout("demo", "host-a", "host-e")],
    ["another cluster", keyOf(ONE), welcomeAbout("other", "host-a", "host-d")],
  ])("is not opened for %s", (_, key, about) => expect(key.open(sealed, about)).toBeNull());

  it("is not opened when any byte of it was changed, or some are missing", () => {
    const bytes = Buffer.from(sealed, "base64");
    for (const at of bytes.keys()) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(keyOf(ONE).open(changed.toString("base64"), ABOUT)).toBeNull();
      expect(keyOf(ONE).open(bytes.subarray(0, at).toString("base64"), ABOUT)).toBeNull();
    }
  });
});
