/**
 * `${NAME}` and `${NAME:-default}` in a value of the configuration. It is done on values that were already parsed, so
 * that no variable can change the structure of the file. `$${` stands for a plain `${`.
 */
export type Env = Readonly<Record<string, string | undefined>>;

export type Substituted =
  | { readonly type: "text"; readonly text: string }
  /** `found` is the placeholder that has no value or is not well-formed. */
  | { readonly type: "refused"; readonly found: string; readonly accepted: string };

const PLACEHOLDER = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{[^}]*\}?/g;

/** As in a shell, `:-` also replaces a variable that is set but empty. */
export function substitute(text: string, env: Env): Substituted {
  let refused: Substituted | null = null;
  const result = text.replaceAll(PLACEHOLDER, (whole: string, name?: string, fallback?: string) => {
    if (whole === "$${") return "${";
    const value = name === undefined ? undefined : resolve(env[name], fallback);
    refused ??= value === undefined ? refuse(whole, name) : null;
    return value ?? "";
  });
  return refused ?? { type: "text", text: result };
}

function resolve(value: string | undefined, fallback: string | undefined): string | undefined {
  return fallback === undefined ? value : value || fallback;
}

function refuse(found: string, name: string | undefined): Substituted {
  if (name === undefined) return { type: "refused", found, accepted: "${NAME} or ${NAME:-default}" };
  return {
    type: "refused",
    found: `${found}, which is not set`,
    accepted: `a value for ${name}, or \${${name}:-default}`,
  };
}
