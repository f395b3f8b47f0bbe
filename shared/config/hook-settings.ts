/** The keys of one entry of `hooks`: what a host calls before and after a change of role. */
import { commandLine, duration, filePath, poolIds, someOf, variable, webhookUrl } from "./checks.ts";
import { HOOK_MOMENTS } from "./config.ts";
import { derived, needed, standard } from "./setting.ts";

export const HOOK_SETTINGS = {
  "hooks[].on": needed(
    someOf(...HOOK_MOMENTS),
    "When this host calls it: before it hands a pool over, or when its role for a pool has become that one.",
  ),
  "hooks[].command": derived(
    commandLine,
    "none",
    "A program and its arguments, run without a shell; a path that begins with a dot starts at the file. Either this or `url`.",
  ),
  "hooks[].url": derived(webhookUrl, "none", "Where the event is posted as JSON, signed. Either this or `command`."),
  "hooks[].secret.file": derived(
    filePath,
    "none",
    "File with the key that signs what goes to `url`, as `whsec_` and base64, readable by its owner only; a key of its own, not the cluster's.",
  ),
  "hooks[].secret.env": derived(variable, "none", "Environment variable with that key, instead of a file."),
  "hooks[].timeout": standard(
    duration({ min: 100, max: 600_000 }),
    "10s",
    "A command that runs longer is killed, a request that takes longer has failed.",
  ),
  "hooks[].pools": derived(poolIds, "all pools", "Pools whose changes it is called for."),
} as const;
