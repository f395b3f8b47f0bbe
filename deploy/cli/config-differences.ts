/** What a node runs with against a configuration file, key by key. Pure. */
import type { Config } from "../../shared/config/config.ts";
import { flatConfig, NO_VALUE } from "../../shared/config/flat-config.ts";
import type { Answer } from "../../shared/wire/messages.ts";

export interface Difference {
  /** With the places in lists; a whole entry where one of the two lacks it. */
  readonly key: string;
  readonly runs: string;
  readonly file: string;
}

const THERE = "there";
const ABSENT = "not there";
const GIVEN = "given";
/** They may differ from machine to machine: only whether they are given has to be the same. */
const PLACES = /^(?:vault\.directory|hosts\[[^\]]+\]\.(?:data|vault)|tls\..*)$/;

export function configDifferences(file: Config, values: Answer<"configuration">["values"]): readonly Difference[] {
  const [here, there] = [comparable(flatConfig(file)), comparable(values)];
  const found = new Map<string, Difference>();
  for (const path of new Set([...here.keys(), ...there.keys()])) {
    const difference = differenceAt(path, here, there);
    if (difference !== null) found.set(difference.key, difference);
  }
  return [...found.values()];
}

type Texts = ReadonlyMap<string, string>;

/** Where the secret lies is nobody else's matter. */
const comparable = (values: readonly { readonly path: string; readonly text: string }[]): Texts =>
  new Map(
    values
      .filter(({ path }) => !path.startsWith("secret."))
      .map(({ path, text }) => [path, PLACES.test(path) && text !== NO_VALUE ? GIVEN : text]),
  );

function differenceAt(path: string, here: Texts, there: Texts): Difference | null {
  const entry = /^(?:proxies|hosts|pools)\[[^\]]+\]/.exec(path)?.[0] ?? null;
  const has = (texts: Texts): boolean => entry === null || texts.has(`${entry}.id`);
  if (entry !== null && has(here) !== has(there)) {
    return { key: entry, runs: has(there) ? THERE : ABSENT, file: has(here) ? THERE : ABSENT };
  }
  const [file, runs] = [here.get(path) ?? NO_VALUE, there.get(path) ?? NO_VALUE];
  return file === runs ? null : { key: path, runs, file };
}
