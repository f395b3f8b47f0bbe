/** The token of an invitation as people carry it to the new machine: `hs1.<cluster>.<host that made it>.<256 bits>`. */
import { HotspareError } from "../../../shared/errors.ts";
import { parseNodeId, type NodeId } from "../../../shared/ids.ts";
import { TOKEN_BYTES } from "../../../shared/signature/invitation-key.ts";

export interface JoinToken {
  readonly cluster: string;
  readonly host: NodeId;
  readonly bytes: Buffer;
}

const FORM = /^hs1\.(?<cluster>[a-z0-9-]{1,63})\.(?<host>[a-z0-9-]{1,63})\.(?<bytes>[A-Za-z0-9_-]{43})$/;

export const formatJoinToken = ({ cluster, host, bytes }: JoinToken): string =>
  `hs1.${cluster}.${host}.${bytes.toString("base64url")}`;

/** The error never shows the token. @throws {HotspareError} HS_USAGE. */
export function parseJoinToken(text: string): JoinToken {
  const { cluster = "", host = "", bytes = "" } = FORM.exec(text.trim())?.groups ?? {};
  const decoded = Buffer.from(bytes, "base64url");
  if (decoded.length === TOKEN_BYTES) return { cluster, host: parseNodeId(host), bytes: decoded };
  throw new HotspareError("HS_USAGE", { reason: "the token is not whole: it is what `hotspare invite` prints" });
}
