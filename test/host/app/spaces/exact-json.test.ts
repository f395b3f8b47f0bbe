import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_DEPTH, parseExact } from "../../../../host/app/spaces/exact-json.ts";
import { mergePatch } from "../../../../host/app/spaces/merge-patch.ts";

const roundTrip = (text: string): string => JSON.stringify(parseExact(text));

describe("exact JSON", () => {
  it("keeps every number's value, also one that JavaScript cannot hold", () => {
    for (const text of ["12345678901234567890", "-0.1234567890123456789", "1e400", '[1,{"a":9007199254740993}]']) {
      expect(roundTrip(text)).toBe(text);
    }
    expect(roundTrip('"12345678901234567890 1e5"')).toBe('"12345678901234567890 1e5"');
  });

  it("is JSON.parse for everything else", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => roundTrip(JSON.stringify(value)) === JSON.stringify(value)));
  });

  it("refuses what is nested too deep, before it is parsed; brackets in texts do not count", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(roundTrip(nested(MAX_DEPTH))).toBe(nested(MAX_DEPTH));
    expect(() => parseExact(nested(MAX_DEPTH + 1))).toThrow(expect.objectContaining({ code: "HS_BODY_INVALID" }));
    expect(() => parseExact('{"a":'.repeat(1_000_000))).toThrow(expect.objectContaining({ code: "HS_BODY_INVALID" }));
    const text = JSON.stringify(`\\"${"[".repeat(1000)}`);
    expect(roundTrip(text)).toBe(text);
  });
});

describe("JSON merge patch", () => {
  // RFC 7396, appendix A.
  const cases = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', "{}"],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', "null", "null"],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
    ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
    ['{"a":12345678901234567890}', '{"b":1e999}', '{"a":12345678901234567890,"b":1e999}'],
    ['{"a":12345678901234567890}', '{"a":{"b":1}}', '{"a":{"b":1}}'],
  ] as const;
  for (const [target, patch, result] of cases) {
    it(`${target} with ${patch} is ${result}`, () => {
      expect(JSON.stringify(mergePatch(parseExact(target), parseExact(patch)))).toBe(result);
    });
  }

  it("a member named __proto__ reaches no prototype", () => {
    const merged = mergePatch({}, parseExact('{"__proto__":{"polluted":true}}'));
    expect(Object.hasOwn(merged as object, "__proto__")).toBe(true);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
  });
});
