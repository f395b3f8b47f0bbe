import { expect, test } from "vitest";
import { readCommand } from "./simulate-command.ts";

test("what is not said is 300 seeds from the first on", () => {
  expect(readCommand([], undefined)).toMatchObject({ seed: null, from: 1, seeds: 300, minutes: null });
  expect(readCommand(["--minutes", "2"], "17")).toMatchObject({ seed: 17, seeds: null, minutes: 2 });
});

test.each([
  [["--seeds", "1O00"], undefined, "--seeds: found 1O00"],
  [["--seeds", "0"], undefined, "--seeds: found 0"],
  [["--minutes", "two"], undefined, "--minutes: found two"],
  [["--from", ""], undefined, "--from: found "],
  [[], "last", "SEED: found last"],
])("a figure that would play no seed at all is refused, not passed: %j, SEED=%s", (args, seed, message) => {
  expect(() => readCommand(args, seed)).toThrow(message);
});
