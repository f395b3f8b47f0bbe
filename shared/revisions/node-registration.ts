/** A node as it is registered at run time: what the configuration file would have of it. Addresses as the file writes them. */
import { Type, type Static } from "typebox";

const Id = Type.String({ minLength: 1, maxLength: 63 });
const AddressText = Type.String({ minLength: 3, maxLength: 300 });

export const NodeRegistration = Type.Union([
  Type.Object({
    kind: Type.Literal("host"),
    id: Id,
    listen: AddressText,
    control: AddressText,
    advertise: AddressText,
    data: Type.String({ minLength: 1, maxLength: 1024 }),
    candidate: Type.Boolean(),
  }),
  Type.Object({
    kind: Type.Literal("proxy"),
    id: Id,
    listen: AddressText,
    admin: AddressText,
    advertise: AddressText,
    gossip: AddressText,
  }),
]);

export type NodeRegistration = Static<typeof NodeRegistration>;
