import { defineConfig } from "vitest/config";

/** What takes longer than `npm test` may: `npm run test:faults` and `npm run test:mutations`. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/..`,
    include: ["test/faults/**/*.test.ts", "test/simulation/mutations.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    // One at a time: each has a machine's disks and processors to itself.
    maxWorkers: 1,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  },
});
