/** Questions at a terminal: what is typed ahead, in pieces, or not at all. */
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { Questions } from "../../deploy/cli/questions.ts";

function terminal(): { readonly input: PassThrough; readonly questions: Questions } {
  const input = new PassThrough();
  return { input, questions: new Questions(input, new PassThrough().resume()) };
}

test("answers that were typed ahead are those to the next questions", async () => {
  const { input, questions } = terminal();
  const first = questions.ask("one? ");
  input.write("1\n2\n\n");
  expect(await first).toBe("1");
  expect(await questions.ask("two? ")).toBe("2");
  expect(await questions.ask("three? ")).toBe("");
  questions.close();
});

test("an answer may come in pieces", async () => {
  const { input, questions } = terminal();
  const asked = questions.ask("name? ");
  input.write("sh");
  input.write("op\n");
  expect(await asked).toBe("shop");
  questions.close();
});

test("who leaves without an answer has not agreed, now and later", async () => {
  const { input, questions } = terminal();
  const asked = questions.ask("sure? ");
  input.end();
  expect([await asked, await questions.ask("really? ")]).toEqual(["", ""]);
});
