import { defineConfig } from "vitest/config";
import { LONG_TESTS } from "./long-tests.ts";

/** What takes longer than `npm test` may: `npm run test:faults`, `test:mutations` and `test:cluster`. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/..`,
    include: [...Object.values(LONG_TESTS).flat(), "test/shared/wire/message-fuzz.test.ts"],
    env: { HOTSPARE_FUZZ_MESSAGES: "100000" },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    // One at a time: each has a machine's disks and processors to itself.
    maxWorkers: 1,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  },
});
