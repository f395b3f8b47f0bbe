import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lockConfig, type ConfigLock } from "../../../shared/config/lock-config.ts";
import { editConfig, setKey } from "../../../shared/config/write-config.ts";
import { HotspareError } from "../../../shared/errors.ts";
import { errorOf, EXAMPLE, temporaryFolder } from "./example-config.ts";

const folder = temporaryFolder();
const ID = "ab".repeat(16);
const HELD: ConfigLock = { assertHeld: () => {}, release: async () => {} };

let files = 0;
function configFile(text: string): string {
  files += 1;
  const own = join(folder, String(files));
  mkdirSync(own);
  const file = join(own, "hotspare.yaml");
  writeFileSync(file, text, { mode: 0o640 });
  return file;
}

describe("an edit of the configuration", () => {
  it("keeps comments, order and everything else", () => {
    const file = configFile(
      `# on top\n${EXAMPLE.replace("./vault }", "./vault } # the share").replace("hosts:", "# here\nhosts:")}`,
    );
    editConfig(file, {}, HELD, (document) => setKey(document, ["vault", "id"], ID));
    const expected = EXAMPLE.replace("./vault }", `./vault, id: ${ID} } # the share`).replace(
      "hosts:",
      "# here\nhosts:",
    );
    expect(readFileSync(file, "utf8")).toBe(`# on top\n${expected}`);
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  it("leaves it to all who could read it, whoever makes it: a node whose umask is narrow, or root", () => {
    const file = configFile(EXAMPLE);
    chmodSync(file, 0o644);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) chownSync(file, 1234, 1235);
    const { uid, gid, mode } = statSync(file);
    const umask = process.umask(0o077);
    try {
      editConfig(file, {}, HELD, (document) => setKey(document, ["rejoin"], "manual"));
    } finally {
      process.umask(umask);
    }
    expect(readFileSync(file, "utf8")).toContain("rejoin: manual");
    expect(statSync(file)).toMatchObject({ uid, gid, mode });
  });

  it("leaves no other file behind", () => {
    const file = configFile(EXAMPLE);
    editConfig(file, {}, HELD, (document) => setKey(document, ["rejoin"], "manual"));
    expect(readdirSync(join(file, ".."))).toEqual(["hotspare.yaml"]);
  });

  it("that would make it wrong changes nothing", () => {
    const file = configFile(EXAMPLE);
    const error = errorOf(() => editConfig(file, {}, HELD, (document) => setKey(document, ["rejoin"], "never")));
    expect(error.code).toBe("HS_CONFIG_INVALID");
    expect(readFileSync(file, "utf8")).toBe(EXAMPLE);
  });

  it("that meets another program's edit changes nothing", () => {
    const file = configFile(EXAMPLE);
    const theirs = `${EXAMPLE}cleanDelay: 1h\n`;
    const error = errorOf(() =>
      editConfig(file, {}, HELD, (document) => {
        writeFileSync(file, theirs);
        setKey(document, ["rejoin"], "manual");
      }),
    );
    expect(error.code).toBe("HS_CONFIG_LOCKED");
    expect(readFileSync(file, "utf8")).toBe(theirs);
  });

  it("that lost its lock changes nothing", () => {
    const file = configFile(EXAMPLE);
    const lost: ConfigLock = {
      ...HELD,
      assertHeld: () => {
        throw new HotspareError("HS_CONFIG_LOCKED", { file, reason: "lost" });
      },
    };
    const edit = (): void => editConfig(file, {}, lost, (document) => setKey(document, ["rejoin"], "manual"));
    expect(errorOf(edit).code).toBe("HS_CONFIG_LOCKED");
    expect(readFileSync(file, "utf8")).toBe(EXAMPLE);
    expect(readdirSync(join(file, ".."))).toEqual(["hotspare.yaml"]);
  });

  it("goes through a link to the file that it names", () => {
    const file = configFile(EXAMPLE);
    const link = join(folder, "link.yaml");
    symlinkSync(file, link);
    editConfig(link, {}, HELD, (document) => setKey(document, ["rejoin"], "manual"));
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(file, "utf8")).toContain("rejoin: manual");
  });

  it("refuses to change what an alias shares", () => {
    const file = configFile(EXAMPLE.replace("vault: { directory: ./vault }", "vault: &v { directory: ./vault }"));
    const text = readFileSync(file, "utf8").concat("health: *v\n");
    writeFileSync(file, text);
    const edit = (): void => editConfig(file, {}, HELD, (document) => setKey(document, ["health", "failures"], 3));
    expect(errorOf(edit).code).toBe("HS_USAGE");
  });
});

describe("the lock", () => {
  it("lets one program in at a time", async () => {
    const file = configFile(EXAMPLE);
    const order: string[] = [];
    const first = await lockConfig(file);
    const second = lockConfig(file).then((lock) => {
      order.push("second");
      return lock.release();
    });
    order.push("first");
    await first.release();
    await second;
    expect(order).toEqual(["first", "second"]);
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  it("in a folder that is absent is refused at once, not waited for", async () => {
    await expect(lockConfig(join(folder, "none", "hotspare.yaml"))).rejects.toMatchObject({
      code: "HS_CONFIG_UNWRITABLE",
    });
  });
});
