/** What a node answers that is asked what it runs with. */
import type { Answer } from "../wire/messages.ts";
import { remarksOf, type ConfigStanding } from "./config-standing.ts";
import { flatConfig } from "./flat-config.ts";

export function configurationAnswer(standing: ConfigStanding): Answer<"configuration"> {
  const { configProblem: problem, pendingRestart } = remarksOf(standing);
  const values = flatConfig(standing.config).map(({ path, text }) => ({ path, text }));
  return { hash: standing.config.hash, values, problem, pendingRestart };
}
