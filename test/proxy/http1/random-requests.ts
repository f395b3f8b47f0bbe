/** Requests by chance: sound ones, and ones that were damaged where two readers may disagree. */
import type { Dice } from "../../simulation/dice.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "REPORT"];
const TARGETS = ["/", "/a?b=c", "//x/../y", "/%2f%00", "*", "http://b/x", "/a|b{}", "/x?", "/\"q'", "/#f"];
const FIELDS = [
  "X-One: 1",
  "X-One: two words",
  "Accept: */*",
  "Cookie: a=b; c=d",
  "X-Empty:",
  "X-Obs: \xe9\xff",
  "Connection: close",
  "Connection: keep-alive, X-One",
  "Content-Type: text/plain",
  "TE: trailers",
  "Via: 1.1 other",
  "Idempotency-Key: k",
];
/** What is put in, or in the place of something. */
const DAMAGE = [
  "\r",
  "\n",
  "\r\n",
  " ",
  "\t",
  ":",
  ",",
  "\0",
  "\x0b",
  ";",
  "0",
  "\x7f",
  "\xa0",
  "\r\n\r\n",
  "Content-Length: 3\r\n",
];
const FRAMINGS = [
  "Content-Length: 3",
  "Transfer-Encoding: chunked",
  "Content-Length : 3",
  "Transfer-Encoding: \tchunked ",
];

/** One to three requests in a row; most of them sound. */
export function randomRequests(dice: Dice): string {
  const count = dice.whole(1, 3);
  const text = Array.from({ length: count }, () => randomRequest(dice)).join("");
  return dice.chance(0.7) ? damaged(text, dice) : text;
}

export function randomRequest(dice: Dice): string {
  const { lines, body } = randomBody(dice);
  const fields = Array.from({ length: dice.whole(0, 5) }, () => dice.pick(FIELDS));
  const all = shuffled([...fields, ...lines, dice.pick(["Host: a", "hOST:\ta:80 ", "Host: [::1]:8080"])], dice);
  const head = all.map((line) => `${line}\r\n`).join("");
  return `${dice.pick(METHODS)} ${dice.pick(TARGETS)} HTTP/1.1\r\n${head}\r\n${body}`;
}

function randomBody(dice: Dice): { readonly lines: readonly string[]; readonly body: string } {
  const content = dice.pick(["", "abc", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "0\r\n\r\n", "x".repeat(300)]);
  switch (dice.whole(0, 3)) {
    case 0:
      return { lines: [], body: "" };
    case 1:
      return { lines: [`Content-Length: ${content.length}`], body: content };
    case 2:
      return { lines: ["Transfer-Encoding: chunked"], body: chunks(content, dice) };
    default:
      return { lines: [dice.pick(FRAMINGS), dice.pick(FRAMINGS)], body: "abc" };
  }
}

function chunks(content: string, dice: Dice): string {
  let text = "";
  for (let at = 0; at < content.length;) {
    const size = dice.whole(1, content.length - at);
    const extension = dice.chance(0.2) ? ";name=value" : "";
    text += `${size.toString(16).padStart(dice.whole(1, 4), "0")}${extension}\r\n${content.slice(at, at + size)}\r\n`;
    at += size;
  }
  return `${text}0\r\n${dice.chance(0.2) ? "X-Sum: 1\r\n" : ""}\r\n`;
}

function damaged(text: string, dice: Dice): string {
  const at = dice.whole(0, text.length - 1);
  const removed = dice.chance(0.5) ? dice.whole(0, 3) : 0;
  return `${text.slice(0, at)}${dice.chance(0.8) ? dice.pick(DAMAGE) : ""}${text.slice(at + removed)}`;
}

function shuffled<T>(items: readonly T[], dice: Dice): readonly T[] {
  return items
    .map((item) => ({ item, weight: dice.next() }))
    .sort((one, other) => one.weight - other.weight)
    .map(({ item }) => item);
}
