#!/usr/bin/env node
/*
 * The bin of the package. Plain old JavaScript without static imports, so that any Node can read it far enough to say
 * which one is needed. Runs dist/; in a checkout that has none, the source.
 */
var NEEDED = "24.15";
var found = process.version.slice(1);

function isOlder(one, other) {
  var a = one.split(".").map(Number);
  var b = other.split(".").map(Number);
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

if (isOlder(found, NEEDED)) {
  console.error("hotspare: Node.js " + found + " is too old: " + NEEDED + " or newer is needed (HS_NODE_VERSION)");
  process.exitCode = 78;
} else {
  import("../../dist/deploy/cli/main.js").catch(function (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND" || !String(error.url).endsWith("/dist/deploy/cli/main.js")) throw error;
    return import("./main.ts");
  });
}
