/** A table for a terminal: rows as lines, columns two blanks apart; so that it can also be cut by other programs. */
import Table from "cli-table3";

const EDGES = ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"];
const LINES = ["left", "left-mid", "mid", "mid-mid", "right", "right-mid"];
const NO_LINES = { ...Object.fromEntries([...EDGES, ...LINES].map((name) => [name, ""])), middle: "  " };

export type Cell = string | number | null;

/** `null` is an empty cell. Numbers stand to the right. */
export function plainTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const isNumber = head.map((_, column) => rows.some((row) => typeof row[column] === "number"));
  const table = new Table({
    head: [...head],
    chars: NO_LINES,
    colAligns: isNumber.map((number) => (number ? "right" : "left")),
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  for (const row of rows) table.push(row.map((cell) => (cell === null ? "" : String(cell))));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .join("\n");
}
