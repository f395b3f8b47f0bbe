/** Money that only moves: every read of all accounts adds up to the same total, and no account is ever overdrawn. */
import { describeTimes, type TimedCall } from "./timed-call.ts";
import { HOLDS, violation, type Verdict } from "./verdict.ts";

export type BankRead = TimedCall & { readonly balances: Readonly<Record<string, number>> };

export interface Bank {
  readonly accounts: readonly string[];
  readonly total: number;
}

export function checkBank(reads: readonly BankRead[], { accounts, total }: Bank): Verdict {
  for (const read of reads.filter(({ outcome }) => outcome === "ok")) {
    const shown = [`${JSON.stringify(read.balances)} (${describeTimes(read)})`];
    const balances = accounts.map((account) => read.balances[account] ?? Number.NaN);
    if (Object.keys(read.balances).length !== accounts.length || balances.some((balance) => !Number.isInteger(balance)))
      return violation("bank: not the accounts that there are", shown);
    if (balances.some((balance) => balance < 0)) return violation("bank: an account is overdrawn", shown);
    const sum = balances.reduce((all, balance) => all + balance, 0);
    if (sum !== total) return violation(`bank: ${sum} instead of ${total}`, shown);
  }
  return HOLDS;
}
