/** What a part of the system logs to; pino in production. Fields first, then a sentence. Secrets never. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
  child(fields: Record<string, unknown>): Log;
}

const nothing = (): void => undefined;

/** For tests and for what runs inside something that reports by itself. */
export const silentLog: Log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  child: () => silentLog,
};
