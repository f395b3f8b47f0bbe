/** A bank: transfers are transactions on two accounts that are both still as they were read; a page shows all accounts. */
import type { Client, Told } from "./client.ts";
import { timesOf, valueIn, type Workload } from "./workload.ts";

interface Page {
  readonly documents: readonly { readonly id: string; readonly lsn: number; readonly value: number }[];
}

export const BANK = { accounts: ["a", "b", "c", "d", "e"], total: 500 } as const;

export class BankWorkload implements Workload {
  readonly kind = "bank";
  readonly clients = 2;

  async open(client: Client): Promise<void> {
    const each = BANK.total / BANK.accounts.length;
    await this.#transact(
      client,
      BANK.accounts.map((id) => ({ put: id, value: each, ifMatch: null })),
    );
  }

  async step(client: Client): Promise<void> {
    const page = await this.#read(client);
    const [from, to] = [client.dice.pick(page), client.dice.pick(page)];
    const amount = client.dice.whole(1, 20);
    if (from === to || from.value < amount) return;
    await this.#transact(client, [
      { put: from.id, value: from.value - amount, ifMatch: from.lsn },
      { put: to.id, value: to.value + amount, ifMatch: to.lsn },
    ]);
  }

  async readAll(client: Client): Promise<void> {
    await this.#read(client);
  }

  async #read(client: Client): Promise<Page["documents"]> {
    const told = await client.send({ method: "GET", path: "/spaces/bank/documents?limit=100" });
    const { documents } = valueIn<Page>(told, { documents: [] });
    const balances = Object.fromEntries(documents.map(({ id, value }) => [id, value]));
    client.recorder.add({ of: "bank", call: { ...timesOf(told), balances } });
    return documents.length > 0 ? documents : BANK.accounts.map((id) => ({ id, lsn: 0, value: 0 }));
  }

  async #transact(client: Client, operations: readonly object[]): Promise<Told> {
    return client.send({ method: "POST", path: "/spaces/bank/transactions", body: JSON.stringify({ operations }) });
  }
}
