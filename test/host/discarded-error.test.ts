import { expect, test } from "vitest";
import { discardedError } from "../../host/discarded-error.ts";
import { HotspareError } from "../../shared/errors.ts";

test("a vault that is unmounted under a running host refuses for now, not for good", () => {
  const error = new HotspareError("HS_VAULT_MISSING", { directory: "/share" });
  const told = discardedError({ type: "refused", error });
  expect(told).toMatchObject({ code: "HS_VAULT_UNWRITABLE", status: 503, retry: true, cause: error });
  expect(told.message).toBe("Cannot write to the vault in /share: it is not mounted");
});

test.each(["HS_VAULT_FULL", "HS_VAULT_UNWRITABLE", "HS_VAULT_IO"] as const)("%s is told as it is", (code) => {
  const error = new HotspareError(code, { directory: "/share", action: "write", name: "x", reason: "EIO" });
  expect(discardedError({ type: "refused", error })).toBe(error);
});
