/** Asks a person before what cannot be taken back. Where nobody sits at a terminal the command line must say so itself. */
import { HotspareError } from "../../shared/errors.ts";
import type { CommandContext } from "./command.ts";

export interface YesOption {
  readonly yes?: true;
}

/** @throws {HotspareError} HS_USAGE if nobody can be asked. */
export async function confirm(
  question: string,
  { yes }: YesOption,
  { ask }: Pick<CommandContext, "ask">,
): Promise<boolean> {
  if (yes) return true;
  if (ask !== null) return /^y(?:es)?$/i.test((await ask(`${question} [y/N] `)).trim());
  throw new HotspareError("HS_USAGE", { reason: "this needs --yes where there is no terminal to ask on" });
}
