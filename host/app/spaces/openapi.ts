/** The OpenAPI 3.1 document of the routes as they are registered, so that it cannot drift from them. */
import { STATUS_CODES } from "node:http";
import type { FastifyInstance, FastifySchema, RouteOptions } from "fastify";
import type { TObject, TSchema } from "typebox";
import { PROBLEM_TYPE } from "../../../shared/wire/problem.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** One line for the API document. A route without one is not in it. */
    readonly summary?: string;
    /** The body, where it is not what the validator checks. */
    readonly body?: TSchema;
    /** What each status means. */
    readonly answers?: Readonly<Record<number, string>>;
  }
}

interface DescribedSchema extends FastifySchema {
  readonly params?: TObject;
  readonly querystring?: TObject;
  readonly body?: TSchema;
}

/** Collects what is registered from here on in this context, and serves it. */
export function serveOpenApi(app: FastifyInstance): void {
  const paths: Record<string, Record<string, unknown>> = {};
  app.addHook("onRoute", (route) => {
    if (route.config?.summary === undefined || route.method === "HEAD") return;
    const path = route.url.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [String(route.method).toLowerCase()]: operationOf(route) };
  });
  app.get("/openapi.json", () => ({
    openapi: "3.1.0",
    info: {
      title: "Hotspare spaces",
      version: "1",
      description: "Spaces of JSON documents that survive their machine.",
    },
    paths,
  }));
}

function operationOf(route: RouteOptions): Record<string, unknown> {
  const schema = (route.schema ?? {}) as DescribedSchema;
  const body = route.config?.body ?? schema.body ?? (takesAnyJson(route) ? {} : null);
  return {
    summary: route.config?.summary,
    parameters: [...parametersOf(schema.params, "path"), ...parametersOf(schema.querystring, "query")],
    ...(body === null ? {} : { requestBody: { content: { "application/json": { schema: body } } } }),
    responses: responsesOf(route.config?.answers ?? {}),
  };
}

const takesAnyJson = ({ method }: RouteOptions): boolean => method === "PUT" || method === "PATCH";

function parametersOf(schema: TObject | undefined, place: "path" | "query"): readonly unknown[] {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: place === "path",
    schema: property,
  }));
}

function responsesOf(answers: Readonly<Record<number, string>>): Record<string, unknown> {
  const described = Object.entries(answers).map(([status, meaning]) => [
    status,
    { description: `${STATUS_CODES[status] ?? status}: ${meaning}` },
  ]);
  const problem = { description: "a problem (RFC 9457) with a stable code", content: { [PROBLEM_TYPE]: {} } };
  return { ...Object.fromEntries(described), default: problem };
}
