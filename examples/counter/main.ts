/** The same application from a `main` of one's own, without a vault: `node main.ts <data folder> <host:port>`. */
import { serve } from "hotspare";
import * as counter from "./app.ts";

const [data = "./data", listen = "127.0.0.1:3000"] = process.argv.slice(2);
const service = await serve(counter, { standalone: true, data, listen });
console.log(`serving on http://${service.address}`);

process.once("SIGTERM", () => void service.close());
process.once("SIGINT", () => void service.close());
