/** Text from a log or a shared file, fit for a terminal: what could move the cursor or change colours becomes a blank. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return text.replaceAll(/[\u0000-\u001F\u007F-\u009F]+/g, " ");
}
