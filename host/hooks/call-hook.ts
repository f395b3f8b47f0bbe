/** Calls a hook for real: starts its program, or posts to its URL, within its time. */
import type { Clock } from "../../shared/clock.ts";
import { formatDuration } from "../../shared/config/duration.ts";
import type { Env } from "../../shared/config/substitute.ts";
import { reasonOf } from "../../shared/errors.ts";
import { runCommand } from "./command-hook.ts";
import type { HookCall, HookOutcome } from "./hook-call.ts";
import { hookDocument, hookEnvironment } from "./hook-event.ts";
import { readWebhookKeys } from "./webhook-keys.ts";
import { postWebhook } from "./webhook.ts";

interface Surroundings {
  readonly clock: Clock;
  readonly env: Env;
}

export async function callHook(call: HookCall, around: Surroundings): Promise<HookOutcome> {
  const late = new AbortController();
  const cancel = around.clock.after(call.timeoutMs, () => {
    late.abort(new Error(`it did not end within ${formatDuration(Math.ceil(call.timeoutMs))}`));
  });
  try {
    return await act(call, around, AbortSignal.any([late.signal, call.signal]));
  } catch (error) {
    return { type: "failed", reason: reasonOf(error), output: "" };
  } finally {
    cancel();
  }
}

async function act(call: HookCall, { clock, env }: Surroundings, signal: AbortSignal): Promise<HookOutcome> {
  const { action, event, folder, hidden, id } = call;
  const document = hookDocument(event);
  switch (action.type) {
    case "command": {
      const own = Object.fromEntries(Object.entries(env).filter(([name]) => !hidden.includes(name)));
      const variables = { ...own, ...hookEnvironment(event) };
      return runCommand({ command: action.command, folder, env: variables, input: document, clock, signal });
    }
    case "webhook": {
      const keys = await Promise.race([readWebhookKeys(action.secret, env), aborted(signal)]);
      return postWebhook({ url: action.url, keys, id, body: document, wallMs: clock.wallMs(), signal });
    }
  }
}

/** The key's file may lie on a share that hangs. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}
