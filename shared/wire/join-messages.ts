/** How a new machine comes into the cluster: an operator's command to a host, and the machine to that host. */
import { Type, type Static } from "typebox";
import { Hex128, KeyId, Millis } from "./message-fields.ts";

/**
 * Command line to a host: whoever shows the token of this invitation within its life is to be let in, once. Both sides
 * derive the token from the secret's key `keyId`, so that it is in no message.
 */
export const InviteRequest = Type.Object({ invitation: Hex128, keyId: KeyId, lifeMs: Millis });
export const InviteAnswer = Type.Object({});

/** A machine that was invited, signed with its invitation's key: give me what a node needs. */
export const JoinRequest = Type.Object({});
/** A `Welcome`, sealed for whoever has the token. */
export const JoinAnswer = Type.Object({ sealed: Type.String({ maxLength: 960 * 1024 }) });

/** Texts of `hotspare.yaml` and of the secret as that host has them; `null`: it has the secret in a variable. */
export const Welcome = Type.Object({
  configuration: Type.String(),
  secret: Type.Union([Type.String(), Type.Null()]),
});

export type Welcome = Static<typeof Welcome>;
