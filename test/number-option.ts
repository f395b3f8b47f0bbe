/** A number on a command line. @throws with a line for people: what was found, and what is accepted. */
export function numberOption(
  name: string,
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const found = Number(text);
  if (text.trim() !== "" && found >= least && found <= most) return found;
  throw new Error(`${name}: found ${text}, accepted is a number from ${least} to ${most}`);
}
