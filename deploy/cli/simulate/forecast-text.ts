/** A forecast for people. */
import { formatAddress, type Config } from "../../../shared/config/config.ts";
import { plainTable } from "../plain-table.ts";
import { printable } from "../printable.ts";
import type { PoolForecast } from "./forecast.ts";
import type { Pause } from "./pause.ts";

export function forecastText(forecasts: readonly PoolForecast[], entries: readonly string[]): string {
  const lost = "Lost: nothing that was acknowledged. Nothing was changed by asking.";
  return [...forecasts.map(poolText), ...(entries.length > 0 ? [entries.join("\n")] : []), lost].join("\n\n");
}

function poolText(pool: PoolForecast): string {
  const { primary, failsOver, successor, heirs, agreement, pauses, remarks } = pool;
  const rows = heirs.map(({ host, fit, because }) => [
    host,
    host === successor ? "would serve" : fit ? "fit" : host === primary && !failsOver ? "serves" : "not fit",
    printable(because),
  ]);
  return [
    headline(pool),
    plainTable(["host", "is", "because"], rows),
    ...(failsOver ? [agreement.text] : []),
    ...remarks,
    ...pauses.map(pauseText),
  ].join("\n");
}

function headline({ pool, primary, failsOver, successor }: PoolForecast): string {
  if (!failsOver) return `pool ${pool}: ${primary} goes on serving; nobody takes over`;
  const from = primary === null ? "" : `, after ${primary}`;
  return successor === null
    ? `pool ${pool}: nobody would serve it${from}`
    : `pool ${pool}: ${successor} would serve it${from}`;
}

function pauseText({ when, parts, totalMs }: Pause): string {
  const what = when === "process" ? "if the processes are killed" : "if the machines are gone without a word";
  const figures = parts.map(({ what: part, ms, from }) => `${part} ${Math.round(ms)} ms (${from})`);
  return `${what}, writes wait about ${Math.round(totalMs)} ms: ${figures.join(", ")}`;
}

/** Whose way in is gone, and which ones are left. */
export function entryTexts({ proxies }: Config, killed: ReadonlySet<string>): readonly string[] {
  const left = proxies.filter(({ id }) => !killed.has(id)).map(({ advertise }) => formatAddress(advertise));
  return proxies
    .filter(({ id }) => killed.has(id))
    .map(({ id, advertise }) => {
      const ways = left.length === 0 ? "there is no other way in" : `${left.join(", ")} would be left`;
      return `${id}: connections of clients at ${formatAddress(advertise)} break, with the requests on them; ${ways}`;
    });
}
