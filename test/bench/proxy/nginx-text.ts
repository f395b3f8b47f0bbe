/**
 * What nginx is told: as the upstream that gives the same bytes again and again, and as a proxy. Both keep connections for
 * as long as the others do, and write no access log.
 */
import { userInfo } from "node:os";
import type { Address } from "../../../shared/config/config.ts";
import { formatAddress } from "../../../shared/config/config.ts";
import { SHAPES } from "./load.ts";

export interface NginxPlace {
  readonly port: number;
  /** For its process id and temporary files. */
  readonly folder: string;
}

/** @param files has the answers, named as in the path. */
export function upstreamText(place: NginxPlace, files: string): string {
  return nginxText(place, [
    "open_file_cache max=16;",
    `server {`,
    `  listen 127.0.0.1:${place.port} backlog=4096;`,
    `  root ${files};`,
    // Reads the body and throws it away.
    `  location = ${SHAPES["post-1k"].path} { return 200 "ok"; }`,
    `}`,
  ]);
}

export function proxyText(place: NginxPlace, upstream: Address): string {
  return nginxText(place, [
    `upstream hosts { server ${formatAddress(upstream)}; keepalive 128; keepalive_requests ${MANY}; }`,
    `map $http_upgrade $connection_field { default upgrade; "" ""; }`,
    `server {`,
    `  listen 127.0.0.1:${place.port} backlog=4096;`,
    // As long as the others give a head.
    `  client_header_timeout 10s;`,
    `  location / {`,
    `    proxy_pass http://hosts;`,
    `    proxy_http_version 1.1;`,
    `    proxy_set_header Host $http_host;`,
    `    proxy_set_header Connection $connection_field;`,
    `    proxy_set_header Upgrade $http_upgrade;`,
    `    proxy_set_header X-Forwarded-For $remote_addr;`,
    `    proxy_set_header X-Forwarded-Proto $scheme;`,
    `    proxy_read_timeout 1h;`,
    // As large as those of HAProxy.
    `    proxy_buffer_size 16k;`,
    `    proxy_buffers 8 16k;`,
    `    proxy_max_temp_file_size 0;`,
    `  }`,
    `}`,
  ]);
}

const MANY = 1_000_000_000;

function nginxText({ folder }: NginxPlace, http: readonly string[]): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  const { uid, username } = userInfo();
  return [
    // Its worker would be another user, who may not see the folder.
    ...(uid === 0 ? [`user ${username};`] : []),
    "daemon off;",
    "worker_processes 1;",
    `pid ${folder}/nginx.pid;`,
    "events { worker_connections 8192; }",
    "http {",
    ...[...temporary, "access_log off;", `keepalive_requests ${MANY};`, ...http].map((line) => `  ${line}`),
    "}",
    "",
  ].join("\n");
}
