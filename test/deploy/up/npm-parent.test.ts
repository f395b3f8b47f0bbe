import { expect, test } from "vitest";
import { watchNpmParent } from "../../../deploy/cli/up/npm-parent.ts";

class Steps {
  parent = 100;
  gone = 0;
  due: (() => void) | null = null;
  readonly clock = {
    monotonicMs: () => 0,
    wallMs: () => 0,
    after: (_: number, run: () => void) => {
      this.due = run;
      return () => void (this.due = null);
    },
  };

  watch(env: Readonly<Record<string, string>>): () => void {
    const { clock } = this;
    return watchNpmParent({ env, clock, parentPid: () => this.parent, gone: () => (this.gone += 1) });
  }

  look(): void {
    const { due } = this;
    this.due = null;
    due?.();
  }
}

const NPM = { npm_execpath: "/usr/lib/npm" };

test("npm that was ended without passing the signal on is noticed, once", () => {
  const steps = new Steps();
  steps.watch(NPM);
  steps.look();
  expect(steps.gone).toBe(0);
  steps.parent = 1;
  steps.look();
  steps.look();
  expect(steps.gone).toBe(1);
});

test("a shell that ends is nothing to a cluster that npm did not start", () => {
  const steps = new Steps();
  steps.watch({});
  steps.parent = 1;
  steps.look();
  expect(steps.gone).toBe(0);
});

test("nothing is looked at after the stop", () => {
  const steps = new Steps();
  steps.watch(NPM)();
  expect(steps.due).toBeNull();
});
