/** One request to a pool that has a host name: `fetch` sets that field itself. */
import { request } from "node:http";

export interface NamedRequest {
  readonly host: string;
  readonly method?: string;
  readonly body?: string;
}

export function askByName(url: string, { host, method = "GET", body = "" }: NamedRequest): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const headers = { host, "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const sent = request(url, { method, headers }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += String(chunk)));
      answer.on("error", reject);
      answer.on("end", () => resolve([answer.statusCode ?? 0, text]));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
