/** The log of a simulated process: into the event log of the run, warnings and errors always. */
import type { FastifyBaseLogger } from "fastify";
import type { Logger } from "pino";
import type { Log } from "../../shared/log.ts";
import type { EventLog } from "./event-log.ts";

export type SimLog = FastifyBaseLogger & Log & Logger;

export function simLog(log: EventLog, who: string): SimLog {
  const tell =
    (level: string) =>
    (fields: unknown, message?: string): void =>
      log.add(who, `${level} ${message ?? ""}`, fields instanceof Error ? fields.message : fields);
  const logger = {
    level: "info",
    debug: tell("debug"),
    info: tell("info"),
    warn: tell("WARN"),
    error: tell("ERROR"),
    fatal: tell("FATAL"),
    trace: () => undefined,
    silent: () => undefined,
    child: () => logger,
  };
  return logger as unknown as SimLog;
}
