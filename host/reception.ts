/**
 * Lets invited machines in: keeps the keys of open invitations in memory, each for one use and a limited time, and gives who
 * shows one what a node needs. A restart of the host ends all of them. What was used or has expired is remembered for a while,
 * so that its owner hears why, and can never be opened again.
 *
 * An invitation is worth no more than the key that it was made from. So none gives a secret away that has any other key: else
 * whoever had a key that was stolen would have the next ones too, by an invitation of before or during the rotation.
 */
import type { Clock } from "../shared/clock.ts";
import { HotspareError } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Random } from "../shared/random.ts";
import { InvitationKey, invitationToken, welcomeAbout } from "../shared/signature/invitation-key.ts";
import { parseSecretText } from "../shared/config/secret-text.ts";
import type { KeyRing } from "../shared/signature/key-ring.ts";
import { messageKey, type MessageKey } from "../shared/signature/message-key.ts";
import type { AcceptedKeys } from "../shared/signature/message-signature.ts";
import type { Welcome } from "../shared/wire/join-messages.ts";
import type { Answer, Request } from "../shared/wire/messages.ts";

export interface ReceptionOptions {
  readonly host: NodeId;
  readonly cluster: string;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly random: Random;
  readonly read: () => Promise<Welcome>;
  readonly onWelcomed: (node: NodeId) => void;
}

/** Open or remembered, at once. */
const MAX_INVITATIONS = 64;
const LONGEST_MS = 24 * 60 * 60_000;
const REMEMBERED_MS = 60 * 60_000;

interface Invitation {
  readonly key: InvitationKey;
  /** The secret's key that it was made from. */
  readonly keyId: string;
  readonly untilMs: number;
  /** Who came with it. */
  used: NodeId | null;
}

export class Reception implements AcceptedKeys {
  readonly #options: ReceptionOptions;
  /** By the id of the key that signs; the oldest first. */
  readonly #invitations = new Map<string, Invitation>();

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** @throws {HotspareError} HS_INVITATION_REFUSED. */
  invite({ invitation, keyId, lifeMs }: Request<"invite">): Answer<"invite"> {
    const { keys, clock } = this.#options;
    const secret = keys.secrets[keys.keyIds().indexOf(keyId)];
    if (secret === undefined) throw refused(`the secret's key ${keyId} is not known here`);
    if (lifeMs > LONGEST_MS) throw refused(`it may live for ${LONGEST_MS / 3_600_000} h at most`);
    const key = new InvitationKey(invitationToken(secret, invitation));
    if (this.#invitations.has(key.message.id)) throw refused("this one was made already");
    this.#makeRoom();
    this.#invitations.set(key.message.id, { key, keyId, untilMs: clock.monotonicMs() + lifeMs, used: null });
    return {};
  }

  accepted(id: string): MessageKey | null {
    return this.#invitations.get(id)?.key.message ?? null;
  }

  /** @throws {HotspareError} HS_INVITATION_REFUSED; HS_CONFIG_UNREADABLE, HS_SECRET_UNREADABLE, and it may come again. */
  async welcome(keyId: string, node: NodeId): Promise<Answer<"join">> {
    const { read, random, cluster, host, onWelcomed } = this.#options;
    this.#requireOpen(keyId);
    const given = await read();
    // Another one may have come with the same token meanwhile.
    const invitation = this.#requireOpen(keyId);
    if (!hasOnly(given, invitation.keyId))
      throw refused("the secret is being replaced: when that is done, make another token");
    invitation.used = node;
    onWelcomed(node);
    return { sealed: invitation.key.seal(JSON.stringify(given), welcomeAbout(cluster, host, node), random) };
  }

  #requireOpen(keyId: string): Invitation {
    const invitation = this.#invitations.get(keyId);
    if (invitation === undefined) throw refused("it is not known here any more");
    if (invitation.used !== null) throw refused(`it was used already, by ${invitation.used}`);
    if (this.#isExpired(invitation, 0)) throw refused("its time is over");
    if (!this.#options.keys.keyIds().includes(invitation.keyId))
      throw refused("the secret was replaced since: make another token");
    return invitation;
  }

  #isExpired({ untilMs }: Invitation, sinceMs: number): boolean {
    return this.#options.clock.monotonicMs() >= untilMs + sinceMs;
  }

  /** Who still waits for somebody stays. */
  #makeRoom(): void {
    for (const [id, invitation] of this.#invitations)
      if (this.#isExpired(invitation, REMEMBERED_MS)) this.#invitations.delete(id);
    if (this.#invitations.size < MAX_INVITATIONS) return;
    const done = [...this.#invitations].find(([, one]) => one.used !== null || this.#isExpired(one, 0));
    if (done === undefined) throw refused(`${MAX_INVITATIONS} are open at this host already`);
    this.#invitations.delete(done[0]);
  }
}

const hasOnly = ({ secret }: Welcome, keyId: string): boolean =>
  secret === null || parseSecretText(secret).every(({ bytes }) => messageKey(bytes).id === keyId);

const refused = (reason: string): HotspareError => new HotspareError("HS_INVITATION_REFUSED", { reason });
