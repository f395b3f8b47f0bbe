/** The library `http-proxy` alone, with connections kept: `node http-proxy-main.ts <port> <host:port of the upstream>`. */
import { Agent, createServer, ServerResponse } from "node:http";
import { createProxyServer } from "http-proxy";

const [port = "", upstream = ""] = process.argv.slice(2);
const proxy = createProxyServer({
  target: `http://${upstream}`,
  agent: new Agent({ keepAlive: true }),
  xfwd: true,
  ws: true,
});
proxy.on("error", (_, __, answer) => {
  if (answer instanceof ServerResponse && !answer.headersSent) answer.writeHead(502).end();
  else answer?.destroy();
});
const server = createServer((request, response) => proxy.web(request, response));
server.on("upgrade", (request, socket, head) => proxy.ws(request, socket, head));
server.listen(Number(port), "127.0.0.1");
