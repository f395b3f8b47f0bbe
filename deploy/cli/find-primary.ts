/** Asks all hosts which of them serves a pool, by their unsigned probes. */
import { Type } from "typebox";
import type { Clock } from "../../shared/clock.ts";
import type { Config, HostConfig } from "../../shared/config/config.ts";
import { HotspareError } from "../../shared/errors.ts";
import type { PoolId } from "../../shared/ids.ts";
import type { NodeSockets } from "../../shared/sockets.ts";
import { askJson } from "./ask-json.ts";

const PrimaryBody = Type.Object({
  host: Type.String(),
  reason: Type.Union([Type.String(), Type.Null()]),
  epoch: Type.Optional(Type.Number()),
});
/** By what the hosts are asked. */
interface Asking {
  readonly sockets: Pick<NodeSockets, "control">;
  readonly clock: Clock;
}

const TIMEOUT_MS = 2000;

/** @throws {HotspareError} HS_POOL_UNSERVED, with what each host answered. */
export async function findPrimary({ hosts }: Config, pool: PoolId, { sockets, clock }: Asking): Promise<HostConfig> {
  const path = `/primary?pool=${encodeURIComponent(pool)}`;
  const question = { path, sockets: sockets.control, clock, timeoutMs: TIMEOUT_MS };
  const answers = await Promise.all(
    hosts.map(async (host) => ({
      host,
      answer: await askJson({ ...question, address: host.control }, PrimaryBody),
    })),
  );
  const claims = answers.flatMap(({ host, answer }) =>
    answer.body !== null && answer.status === 200 ? [{ host, epoch: answer.body.epoch ?? 0 }] : [],
  );
  // Who was deposed and does not know it yet says the same, of an older epoch.
  const [newest] = claims.toSorted((one, other) => other.epoch - one.epoch);
  if (newest) return newest.host;
  const reasons = answers.map(({ host, answer }) => `${host.id}: ${answer.body?.reason ?? reasonIn(answer)}`);
  throw new HotspareError("HS_POOL_UNSERVED", { pool, reason: reasons.join("; ") });
}

const reasonIn = (answer: object): string => ("reason" in answer ? String(answer.reason) : "no answer");
