/** What the schemas of all messages are made of. */
import { Type, type TSchema } from "typebox";

export const Id = Type.String({ minLength: 1, maxLength: 64 });
export const Hex128 = Type.String({ pattern: "^[0-9a-f]{32}$" });
export const Hex256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const Millis = Type.Number({ minimum: 0 });
export const Text = Type.String({ maxLength: 1024 });
export const KeyIds = Type.Array(Type.String({ pattern: "^[0-9a-f]{16}$" }), { maxItems: 16 });
export const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
