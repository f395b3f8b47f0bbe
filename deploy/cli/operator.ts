/** Who runs a command, as the audit keeps it: user and machine. For people; nothing is allowed or refused by it. */
import { hostname, userInfo } from "node:os";
import type { Env } from "../../shared/config/substitute.ts";
import { printable } from "./printable.ts";

const LONGEST = 128;

/** `HOTSPARE_OPERATOR` says it better where many people share an account, or a program runs the command. */
export function operator(env: Env): string {
  const said = env["HOTSPARE_OPERATOR"];
  return printable(said ? said : `${userName()}@${hostname()}`).slice(0, LONGEST);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // An account without an entry, as containers have.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
