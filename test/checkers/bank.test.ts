/** The checker of the bank: transfers in any order pass; torn reads and money made or lost do not. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkBank, type BankRead } from "./bank.ts";
import type { Outcome } from "./timed-call.ts";

const ACCOUNTS = ["a", "b", "c"];
const BANK = { accounts: ACCOUNTS, total: 30 };
const times = { process: "p", invokedMs: 0, completedMs: 1 } as const;
const read = (a: number, b: number, c: number, outcome: Outcome = "ok"): BankRead => ({
  ...times,
  outcome,
  balances: { a, b, c },
});

describe("the bank", () => {
  test.each([
    ["money that was made", "31 instead of 30", read(10, 10, 11)],
    ["money that was lost", "29 instead of 30", read(10, 10, 9)],
    ["an overdrawn account", "overdrawn", read(-1, 21, 10)],
    ["half an account", "not the accounts", read(10.5, 9.5, 10)],
    ["a missing account", "not the accounts", { ...read(0, 0, 0), balances: { a: 20, b: 10 } }],
    ["an account too many", "not the accounts", { ...read(0, 0, 0), balances: { a: 10, b: 10, c: 10, d: 0 } }],
  ])("refuses %s", (_, reason, bad) => {
    expect(checkBank([read(10, 10, 10), bad], BANK)).toMatchObject({
      ok: false,
      reason: expect.stringContaining(reason) as string,
    });
  });

  test("does not look at a read without an answer", () => {
    expect(checkBank([read(0, 0, 0, "unknown"), read(0, 0, 0, "fail")], BANK)).toEqual({ ok: true });
  });

  const transfer = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(10));
  const banks = fc.array(transfer, { minLength: 1, maxLength: 40 }).map((transfers) => {
    const balances = [10, 10, 10];
    return transfers.map(([from, to, wanted]) => {
      const amount = Math.min(wanted, balances[from] ?? 0);
      balances[from] = (balances[from] ?? 0) - amount;
      const torn = read(balances[0] ?? 0, balances[1] ?? 0, balances[2] ?? 0);
      balances[to] = (balances[to] ?? 0) + amount;
      return { amount, torn, whole: read(balances[0] ?? 0, balances[1] ?? 0, balances[2] ?? 0) };
    });
  });

  test("passes whatever is moved, and finds a read in the middle of any transfer", () => {
    fc.assert(
      fc.property(banks, fc.nat(), (transfers, at) => {
        const reads = transfers.map(({ whole }) => whole);
        expect(checkBank(reads, BANK)).toEqual({ ok: true });
        const damaged = transfers[at % transfers.length];
        fc.pre(damaged !== undefined && damaged.amount > 0);
        expect(checkBank([...reads, damaged.torn], BANK).ok).toBe(false);
      }),
    );
  });
});
