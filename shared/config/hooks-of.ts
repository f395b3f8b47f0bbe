/** The `hooks` of a configuration: each is a command or a webhook, and a webhook has a key to sign with. */
import { dirname, resolve } from "node:path";
import type { HookAction, HookConfig, SecretSource } from "./config.ts";
import type { ConfigValues } from "./config-values.ts";

/** @throws {HotspareError} HS_CONFIG_INVALID for one that is neither, both, or without its key. */
export function hooksOf(values: ConfigValues): readonly HookConfig[] {
  return Array.from({ length: values.length("hooks") }, (_, at) => ({
    name: `hooks[${at}]`,
    on: values.get("hooks[].on", at),
    action: actionAt(values, at),
    timeoutMs: values.get("hooks[].timeout", at),
    pools: values.get("hooks[].pools", at),
  }));
}

function actionAt(values: ConfigValues, at: number): HookAction {
  const command = values.get("hooks[].command", at);
  const url = values.get("hooks[].url", at);
  const secret = secretAt(values, at);
  if (command !== null && url !== null)
    throw values.conflict("hooks[].url", [at], "command and url", "one of the two, for each hook");
  if (command !== null) {
    if (secret === null) return { type: "command", command: [programIn(values, command[0]), ...command.slice(1)] };
    throw values.conflict("hooks[].secret.file", [at], "a secret beside a command", "a secret beside a url only");
  }
  if (url === null) throw values.conflict("hooks[].command", [at], "nothing", "a command or a url");
  if (secret === null)
    throw values.conflict(
      "hooks[].secret.file",
      [at],
      "nothing",
      "secret.file or secret.env, which signs what is sent",
    );
  return { type: "webhook", url, secret };
}

function secretAt(values: ConfigValues, at: number): SecretSource | null {
  const [file, env] = [values.get("hooks[].secret.file", at), values.get("hooks[].secret.env", at)];
  if (file !== null && env !== null)
    throw values.conflict("hooks[].secret.env", [at], "secret.file and secret.env", "one of the two");
  if (file !== null) return { file: resolve(dirname(values.file), file) };
  return env === null ? null : { env };
}

/** A bare name is looked for where the system has its programs. */
const programIn = (values: ConfigValues, program: string): string =>
  program.startsWith(".") ? resolve(dirname(values.file), program) : program;
