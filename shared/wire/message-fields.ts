/** What the schemas of all messages are made of. */
import { Type, type TSchema } from "typebox";

export const Id = Type.String({ minLength: 1, maxLength: 64 });
export const Hex128 = Type.String({ pattern: "^[0-9a-f]{32}$" });
export const Hex256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const Millis = Type.Number({ minimum: 0 });
export const Version = Type.Integer({ minimum: 1, maximum: 65_535 });
export const Text = Type.String({ maxLength: 1024 });
export const KeyId = Type.String({ pattern: "^[0-9a-f]{16}$" });
export const KeyIds = Type.Array(KeyId, { maxItems: 16 });
/** How a node stands to its configuration file; absent where an older node says nothing of it. */
export const ConfigRemarks = {
  /** Why the file as it is cannot be used; the node goes on as before. */
  configProblem: Type.Optional(Type.Union([Text, Type.Null()])),
  /** What of it waits for a restart of the node. */
  pendingRestart: Type.Optional(Type.Array(Text, { maxItems: 64 })),
};
export const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
