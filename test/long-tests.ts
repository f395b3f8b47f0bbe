/**
 * Tests that take longer than `npm test` may: each has a script of its own in `package.json`, and `.ci/run` runs all but the
 * first.
 */
export const LONG_TESTS = {
  faults: ["test/faults/**/*.test.ts"],
  mutations: ["test/simulation/mutations.test.ts"],
  /** Real processes that wait for what must *not* happen, for clocks, for files to be copied, for many processes to start. */
  cluster: [
    "test/cluster/agreement.test.ts",
    "test/cluster/change-config.test.ts",
    "test/cluster/app-upgrade.test.ts",
    "test/cluster/clocks.test.ts",
    "test/cluster/format-upgrade.test.ts",
    "test/cluster/no-request-fails.test.ts",
    "test/cluster/old-views.test.ts",
    "test/cluster/operations.test.ts",
    "test/cluster/ordinary-clients.test.ts",
    "test/cluster/poison.test.ts",
    "test/cluster/proxy-restarts.test.ts",
    "test/cluster/rolling-upgrade.test.ts",
    "test/cluster/rotate-secret.test.ts",
    "test/cluster/ten-thousand-parked.test.ts",
    "test/cluster/twelve-pools.test.ts",
    "test/cluster/twelve-pools.test.ts",
    "test/cluster/two-machines.test.ts",
    "test/cluster/workers.test.ts",
    "test/cluster/year.test.ts",
  ],
} as const;
