import { defineConfig } from "vitest/config";
import { LONG_TESTS } from "./test/long-tests.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["node_modules/**", ...Object.values(LONG_TESTS).flat()],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: "forks",
    maxWorkers: 2,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  },
});
