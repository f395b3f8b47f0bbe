import { expect, test } from "vitest";
import {
  fileSystemOf,
  findMount,
  isBelow,
  isLinearizable,
  isNetwork,
  parseMountInfo,
} from "../../../shared/vault/mount.ts";

const SAMPLE = `
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
25 24 0:23 / /dev/shm rw,relatime - tmpfs tmpfs rw,size=24684096k
70 27 0:50 / /mnt/share rw,relatime shared:30 - nfs4 server:/export rw,vers=4.2,rsize=1048576,hard,proto=tcp
71 27 0:51 / /mnt/exact rw,relatime shared:31 master:2 - nfs server:/export rw,vers=3,lookupcache=pos,hard
72 27 0:52 / /mnt/none rw,relatime - nfs4 server:/other rw,vers=4.1,lookupcache=none
73 27 0:53 / /mnt/with\\040space rw - cifs //server/a\\040share rw,vers=3.1.1
74 27 0:54 / /mnt/exact/inner rw - xfs /dev/vdb rw
75 27 0:55 / /mnt/twice rw - ext4 /dev/vdc rw
76 27 0:56 / /mnt/twice rw - fuse.sshfs me@there:/ rw
77 27 0:57 / /mnt/layers rw - overlay overlay rw,lowerdir=/a,upperdir=/b,workdir=/c
a line that means nothing
`;

const mounts = parseMountInfo(SAMPLE);
const at = (path: string) => findMount(mounts, path)!;

test("each path lies on the deepest mount, and on the newest of several in one place", () => {
  expect(at("/home/x").type).toBe("ext4");
  expect(at("/mnt/share/vault").source).toBe("server:/export");
  expect(at("/mnt/shared").type).toBe("ext4");
  expect(at("/mnt/exact/inner/x").type).toBe("xfs");
  expect(at("/mnt/twice/x").type).toBe("fuse.sshfs");
  expect(at("/mnt/with space/x")).toMatchObject({ type: "cifs", source: "//server/a share" });
  expect(mounts).toHaveLength(10);
});

test("absence is believed only where a lookup is the truth", () => {
  const answers = ["/x", "/dev/shm/x", "/mnt/share", "/mnt/exact", "/mnt/none", "/mnt/with space", "/mnt/layers"].map(
    (path) => [path, isLinearizable(at(path))],
  );
  expect(Object.fromEntries(answers)).toEqual({
    "/x": true,
    "/dev/shm/x": true,
    "/mnt/share": false,
    "/mnt/exact": true,
    "/mnt/none": true,
    "/mnt/with space": false,
    "/mnt/layers": false,
  });
});

test("an nfs option in a mount of another kind proves nothing", () => {
  const [mount] = parseMountInfo("1 2 0:1 / /m rw - cifs //s/x rw,lookupcache=none");
  expect(isLinearizable(mount!)).toBe(false);
});

test("file systems on a network are known as such", () => {
  const network = mounts.filter(isNetwork).map(({ mountPoint }) => mountPoint);
  expect(network).toEqual(["/mnt/share", "/mnt/exact", "/mnt/none", "/mnt/with space", "/mnt/twice"]);
});

test("a folder whose name begins like another's is not inside it", () => {
  expect(isBelow("/data/vault-2", "/data/vault")).toBe(false);
  expect(isBelow("/data/vault", "/data/vault")).toBe(true);
  expect(isBelow("/data/vault/x", "/data/vault")).toBe(true);
  expect(isBelow("/anything", "/")).toBe(true);
});

test("a path that does not exist yet lies where the nearest folder above it lies", () => {
  expect(fileSystemOf("/nowhere/at/all")).toEqual(fileSystemOf("/"));
});
