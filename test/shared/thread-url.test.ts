import { expect, test } from "vitest";
import { threadUrl } from "../../shared/thread-url.ts";

test("a thread's entry has the ending of the file that starts it, in a checkout and in dist", () => {
  expect(threadUrl("./vault-thread", "file:///a/shared/vault/threaded-vault.ts").href).toBe(
    "file:///a/shared/vault/vault-thread.ts",
  );
  expect(threadUrl("./vault-thread", "file:///a/dist/shared/vault/threaded-vault.js").href).toBe(
    "file:///a/dist/shared/vault/vault-thread.js",
  );
});

test("a query behind the importing file's name does not change the ending", () => {
  expect(threadUrl("../x/y", "file:///a/b/c.ts?t=1.js").href).toBe("file:///a/x/y.ts");
});
