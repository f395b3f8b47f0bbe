/** Alert rules and dashboard: they ask for metrics that exist, and each alarm has a page that says what to do. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { describedMetrics } from "../docs/metrics-page.ts";
import { root } from "../source-code.ts";

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

const RULES = "deploy/prometheus/alerts.yaml";
const UNIT_TESTS = "test/deploy/prometheus/alerts.test.yaml";
const textOf = (path: string): string => readFileSync(join(root, path), "utf8");

const { groups } = parse(textOf(RULES)) as { groups: readonly { readonly rules: readonly Alert[] }[] };
const alerts = groups.flatMap(({ rules }) => rules);
const { panels } = JSON.parse(textOf("deploy/grafana/hotspare.json")) as Dashboard;

const known = (["Of a host", "Of a proxy", "Of each process"] as const).flatMap(describedMetrics);
/** As series: a histogram has three. */
const series = new Set(
  known.flatMap(({ name, type }) =>
    type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);
const unknownIn = (expr: string): string[] =>
  (expr.match(/\b(?:hotspare|process|nodejs)_\w+/g) ?? []).filter((name) => !series.has(name));

describe.each(alerts)("the alert $alert", ({ alert, expr, annotations }) => {
  it("asks for metrics that docs/metrics.md has", () => {
    expect(expr).toMatch(/\b(?:hotspare_\w+|up)\b/);
    expect(unknownIn(expr)).toEqual([]);
  });

  it("leads to a heading that says what to do", () => {
    const [page = "", anchor] = annotations.runbook.split("#");
    const headings = [...textOf(page).matchAll(/^#{2,4} (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
    expect(headings).toContain(anchor);
  });

  it("has a test with series that set it off", () => {
    const { tests } = parse(textOf(UNIT_TESTS)) as { tests: readonly { alert_rule_test: readonly RuleTest[] }[] };
    const ofThis = tests.flatMap((one) => one.alert_rule_test).filter(({ alertname }) => alertname === alert);
    expect(ofThis.some(({ exp_alerts: expected }) => expected.length > 0)).toBe(true);
  });
});

interface RuleTest {
  readonly alertname: string;
  readonly exp_alerts: readonly unknown[];
}

describe("the dashboard", () => {
  it.each(panels)("asks for metrics that docs/metrics.md has: $title", ({ targets }) => {
    expect(targets.length).toBeGreaterThan(0);
    expect(targets.flatMap(({ expr }) => unknownIn(expr))).toEqual([]);
  });
});

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

describe.skipIf(!hasPromtool)("promtool (Debian: prometheus)", () => {
  it.each([
    ["check", "rules", RULES],
    ["test", "rules", UNIT_TESTS],
  ])("%s %s %s", (...args) => {
    const { status, stdout, stderr } = spawnSync("promtool", args, { cwd: root, encoding: "utf8" });
    expect(status, stdout + stderr).toBe(0);
  });
});

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, "")
    .replaceAll(/\s/g, "-");
