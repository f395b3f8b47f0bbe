/** The manifests: as the schemas of Kubernetes see them, and whether what they name is there, in them and in this program. */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StatefulSet } from "kubernetes-models/apps/v1";
import { Job } from "kubernetes-models/batch/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { ConfigMap, PersistentVolumeClaim, Secret, Service } from "kubernetes-models/v1";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseAllDocuments } from "yaml";
import { PROBES } from "../../host/control-probe.ts";
import { formatAddress, type Config } from "../../shared/config/config.ts";
import { loadConfig } from "../../shared/config/load-config.ts";
import { root } from "../source-code.ts";

const LAUNCHER = join(root, "deploy/cli/launcher.js");
const KINDS = { StatefulSet, Job, PodDisruptionBudget, ConfigMap, PersistentVolumeClaim, Secret, Service };

type Manifest = { kind: keyof typeof KINDS; metadata: { name: string } } & Record<string, unknown>;

const folder = join(root, "deploy/kubernetes");
const manifests = globSync("*.yaml", { cwd: folder }).flatMap((file) =>
  parseAllDocuments(readFileSync(join(folder, file), "utf8")).map((document) => document.toJS() as Manifest),
);

function every<Kind extends keyof typeof KINDS>(kind: Kind): InstanceType<(typeof KINDS)[Kind]>[] {
  const found = manifests.filter((manifest) => manifest.kind === kind);
  return found.map((manifest) => new KINDS[kind](manifest as never) as InstanceType<(typeof KINDS)[Kind]>);
}

const namesOf = (kind: keyof typeof KINDS): (string | undefined)[] => every(kind).map(({ metadata }) => metadata?.name);
const sets = every("StatefulSet");
const services = every("Service");
const pods = [...sets, ...every("Job")].map(({ spec }) => spec?.template.spec);
const containers = pods.flatMap((pod) => pod?.containers ?? []);
const configText = every("ConfigMap")[0]?.data?.["hotspare.yaml"] ?? "";
const VAULT_ID = "0123456789abcdef0123456789abcdef";
const KEY = "ab".repeat(32);
const ENV = { NAMESPACE: "shop", HOTSPARE_SECRET: KEY, HOTSPARE_VAULT_ID: VAULT_ID };

function write(text: string): string {
  const own = mkdtempSync(join(tmpdir(), "hotspare-kubernetes-"));
  onTestFinished(() => rmSync(own, { recursive: true, force: true }));
  const file = join(own, "hotspare.yaml");
  writeFileSync(file, text);
  return file;
}

const load = (): Config => loadConfig(write(configText), ENV);

describe("the manifests", () => {
  it.each(manifests.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest] as const))(
    "%s fits the schema of its kind",
    (_, manifest) => {
      expect(() => new KINDS[manifest.kind](manifest as never).validate()).not.toThrow();
    },
  );

  it("have no key that Kubernetes does not know, which the schemas let pass", () => {
    const schemas = globSync("node_modules/{kubernetes-models,@kubernetes-models/apimachinery}/**/*.d.ts", {
      cwd: root,
    });
    const text = schemas.map((file) => readFileSync(join(root, file), "utf8")).join("\n");
    const known = new Set([...text.matchAll(/^ +"(\w+)"\??:/gm)].map(([, key]) => key));
    expect(known.has("readinesProbe")).toBe(false);
    const unknown = manifests.flatMap((manifest) => keysOf(manifest)).filter((key) => !known.has(key));
    expect(unknown).toEqual([]);
  });

  it("name what is there: labels, services, volumes, configuration, secret", () => {
    for (const { spec } of sets) {
      expect(spec?.template.metadata?.labels).toMatchObject(spec?.selector.matchLabels ?? { nothing: "selected" });
      expect(namesOf("Service")).toContain(spec?.serviceName);
    }
    const labels = sets.map(({ spec }) => spec?.template.metadata?.labels);
    const selectors = [
      ...services.map(({ spec }) => spec?.selector),
      ...every("PodDisruptionBudget").map(({ spec }) => spec?.selector?.matchLabels),
    ];
    for (const selector of selectors) expect(labels).toContainEqual(selector);
    const volumes = pods.flatMap((pod) => pod?.volumes ?? []);
    for (const { configMap } of volumes) if (configMap) expect(namesOf("ConfigMap")).toContain(configMap.name);
    for (const { persistentVolumeClaim: claim } of volumes)
      if (claim) expect(namesOf("PersistentVolumeClaim")).toContain(claim.claimName);
    const from = containers.flatMap(({ env = [] }) => env.map(({ valueFrom }) => valueFrom));
    const keys = every("Secret").flatMap(({ metadata, stringData }) =>
      Object.keys(stringData ?? {}).map((key) => `${metadata?.name} ${key}`),
    );
    for (const source of from)
      if (source?.secretKeyRef) expect(keys).toContain(`${source.secretKeyRef.name} ${source.secretKeyRef.key}`);
    expect(from.filter((source) => source?.configMapKeyRef).map((source) => source?.configMapKeyRef?.name)).toEqual(
      sets.map(() => "hotspare-vault-id"),
    );
  });

  it("mount each volume that there is, and no other", () => {
    for (const spec of [...sets, ...every("Job")].map(({ spec }) => spec)) {
      const claimed = spec && "volumeClaimTemplates" in spec ? (spec.volumeClaimTemplates ?? []) : [];
      const there = [
        ...(spec?.template.spec?.volumes ?? []).map(({ name }) => name),
        ...claimed.map(({ metadata }) => metadata?.name),
      ];
      const mounted = spec?.template.spec?.containers.flatMap(({ volumeMounts = [] }) =>
        volumeMounts.map(({ name }) => name),
      );
      expect(new Set(mounted)).toEqual(new Set(there));
    }
  });

  it("have names for the ports of services and probes, and paths that the program answers", () => {
    for (const { ports, startupProbe, livenessProbe, readinessProbe } of containers) {
      const named = ports?.map(({ name }) => name);
      for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
        if (probe === undefined) continue;
        expect(named).toContain(probe.httpGet?.port);
        expect(PROBES.map((name) => `/${name}`)).toContain(probe.httpGet?.path);
      }
    }
    for (const { spec } of services) {
      const behind = sets.find(
        (set) =>
          set.spec?.template.metadata?.labels?.["app.kubernetes.io/component"] ===
          spec?.selector?.["app.kubernetes.io/component"],
      );
      const named = behind?.spec?.template.spec?.containers[0]?.ports?.map(({ name }) => name);
      for (const { targetPort } of spec?.ports ?? []) expect(named).toContain(targetPort);
    }
  });

  it("give no pod more than it needs, and more time to stop than a stop in order takes", () => {
    const longestStopMs = 5000 + load().takeover.timeoutMs + 5000;
    for (const pod of pods)
      expect(pod).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } });
    const closed = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } };
    for (const { securityContext } of containers) expect(securityContext).toEqual(closed);
    for (const { spec } of sets)
      expect((spec?.template.spec?.terminationGracePeriodSeconds ?? 0) * 1000).toBeGreaterThan(longestStopMs);
  });
});

/** Keys that are words of Kubernetes, not names that somebody chose. */
const CHOSEN = new Set(["labels", "matchLabels", "selector", "data", "stringData", "requests"]);

function keysOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    CHOSEN.has(key) && !("matchLabels" in Object(inner)) ? [key] : [key, ...keysOf(inner)],
  );
}

describe("hotspare.yaml in its ConfigMap", () => {
  it("is accepted with the environment of the pods, and has each pod under the name that its service gives it", () => {
    const config = load();
    expect(config.vault.id).toBe(VAULT_ID);
    const nodes = { "hotspare-host": config.hosts, "hotspare-proxy": config.proxies };
    expect(new Set(sets.map(({ metadata }) => metadata?.name))).toEqual(new Set(Object.keys(nodes)));
    for (const { metadata, spec } of sets) {
      const name = metadata?.name as keyof typeof nodes;
      const ids = Array.from({ length: spec?.replicas ?? 0 }, (_, at) => `${name}-${at}`);
      expect(nodes[name].map(({ id }) => id)).toEqual(ids);
      for (const node of nodes[name]) {
        const way = "control" in node ? node.control : node.gossip;
        expect(way.host).toBe(`${node.id}.${spec?.serviceName}.${ENV.NAMESPACE}.svc.cluster.local`);
        const [container] = spec?.template.spec?.containers ?? [];
        const ports = container?.ports?.map(({ containerPort }) => containerPort);
        expect(ports).toEqual([node.listen.port, way.port]);
      }
    }
  });

  it("puts vault and data where the volumes are", () => {
    const { vault, hosts } = load();
    const mounts =
      sets.find(({ metadata }) => metadata?.name === "hotspare-host")?.spec?.template.spec?.containers[0]
        ?.volumeMounts ?? [];
    expect(mounts).toContainEqual({ name: "vault", mountPath: vault.directory });
    const data = mounts.find(({ name }) => name === "data")?.mountPath ?? "nowhere";
    for (const host of hosts) expect(`${host.data}/`.startsWith(`${data}/`), formatAddress(host.listen)).toBe(true);
  });

  it("has every variable that it uses in the environment of the pods", () => {
    const used = new Set([...configText.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name));
    for (const { spec } of sets) {
      const given = spec?.template.spec?.containers[0]?.env?.map(({ name }) => name);
      for (const name of [...used, "HOTSPARE_SECRET", "POD_NAME"]) expect(given).toContain(name);
    }
  });
});

describe("the job that makes the vault", () => {
  const run = (secret: string) => {
    const file = write("");
    const own = file.replace("/hotspare.yaml", "");
    writeFileSync(file, configText.replace("/mnt/hotspare", join(own, "vault")));
    const script = (every("Job")[0]?.spec?.template.spec?.containers[0]?.args?.[0] ?? "")
      .replaceAll("/tmp/hotspare.yaml", join(own, "copy.yaml"))
      .replace("/etc/hotspare/hotspare.yaml", file)
      .replace("node /opt/hotspare/node_modules/hotspare/deploy/cli/launcher.js", `${process.execPath} ${LAUNCHER}`);
    const env = { ...process.env, NAMESPACE: ENV.NAMESPACE, HOTSPARE_SECRET: secret };
    return () => spawnSync("/bin/sh", ["-ec", script], { encoding: "utf8", env });
  };

  it("prints the vault's id, and the same one when it is run again", () => {
    const again = run(KEY);
    const [one, two] = [again(), again()].map(({ stdout }) => (JSON.parse(stdout) as { vaultId: string }).vaultId);
    expect(one).toMatch(/^[0-9a-f]{32}$/);
    expect(two).toBe(one);
  });

  it("fails, and says why, while the secret is the one that must be replaced", () => {
    const placeholder = every("Secret")[0]?.stringData?.["secret"] ?? "";
    const { status, stderr } = run(placeholder)();
    expect(status).not.toBe(0);
    expect(stderr).toContain("HOTSPARE_SECRET");
    expect(stderr).toContain("HS_SECRET_UNREADABLE");
  });
});

describe("the pods", () => {
  it.each(["host", "proxy"])("of each %s run a command that there is", (kind) => {
    const args = sets.find(({ metadata }) => metadata?.name === `hotspare-${kind}`)?.spec?.template.spec?.containers[0]
      ?.args;
    expect(args).toEqual([kind, "--id", "$(POD_NAME)"]);
    const { status, stdout } = spawnSync(process.execPath, [LAUNCHER, kind, "--help"], { encoding: "utf8" });
    expect(status).toBe(0);
    expect(stdout).toContain("--id <");
  });
});
