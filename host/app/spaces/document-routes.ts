/** `/spaces/{space}/documents` and one document below it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { HotspareError } from "../../../shared/errors.ts";
import type { Pool } from "../pool.ts";
import {
  changeDocument,
  findDocument,
  listDocuments,
  type DocumentChange,
  type DocumentResult,
} from "./document-table.ts";
import { requireBody } from "./json-body.ts";
import { checkDocumentId, checkDocumentText, DocumentParams, SpaceParams } from "./names.ts";
import { PageQuery, pageText, readPageRequest } from "./page.ts";
import { formatTag, isUnchanged, readPreconditions } from "./preconditions.ts";
import { requireSpace } from "./space-table.ts";

type Params = { Params: Static<typeof DocumentParams> };
type DocumentRequest = FastifyRequest<Params>;

const URL = "/spaces/:space/documents/:id";

export function registerDocuments(app: FastifyInstance, pool: Pool): void {
  registerListing(app, pool);
  registerReading(app, pool);
  const describe = (summary: string, answers: Readonly<Record<number, string>>) => ({
    schema: { params: DocumentParams },
    config: {
      summary,
      answers: { ...answers, 404: "absent", 412: "not in the state that If-Match or If-None-Match asks for" },
    },
  });

  app.put<Params>(
    URL,
    {
      ...describe("Stores any JSON value", { 200: "replaced", 201: "created" }),
      bodyLimit: app.initialConfig.bodyLimit ?? 0,
    },
    async (request, reply) => {
      const value = checkDocumentText(JSON.stringify(requireBody(request)));
      return await change(pool, request, reply, { type: "put", value });
    },
  );
  app.patch<Params>(
    URL,
    describe("Changes a document by JSON merge patch (RFC 7396)", { 200: "changed" }),
    async (request, reply) => await change(pool, request, reply, { type: "merge", patch: requireBody(request) }),
  );
  app.delete<Params>(
    URL,
    describe("Deletes a document; a tombstone stays", { 204: "deleted" }),
    async (request, reply) => await change(pool, request, reply, { type: "delete" }),
  );
}

function registerListing(app: FastifyInstance, pool: Pool): void {
  app.get<{ Params: Static<typeof SpaceParams>; Querystring: Static<typeof PageQuery> }>(
    "/spaces/:space/documents",
    {
      schema: { params: SpaceParams, querystring: PageQuery },
      config: { summary: "Lists documents in order of their ids", answers: { 200: "a page", 404: "no such space" } },
    },
    async (request, reply) => {
      const { space } = request.params;
      const page = readPageRequest(request.query);
      const text = await pool.read(request, (db) => {
        requireSpace(db, space);
        return pageText("documents", listDocuments(db, space, page), page);
      });
      return reply.type("application/json").send(text);
    },
  );
}

/** `HEAD` is Fastify's: the same without the body. */
function registerReading(app: FastifyInstance, pool: Pool): void {
  app.get<Params>(
    URL,
    {
      schema: { params: DocumentParams },
      config: {
        summary: "Reads a document",
        answers: { 200: "its value", 304: "as the client has it", 404: "absent" },
      },
    },
    async (request, reply) => {
      const { space, id } = request.params;
      const conditions = readPreconditions(request.headers);
      const document = await pool.read(request, (db) => {
        requireSpace(db, space);
        return findDocument(db, space, checkDocumentId(id));
      });
      if (document === null) throw new HotspareError("HS_DOCUMENT_ABSENT", { id, space });
      reply.header("etag", formatTag(document.lsn));
      if (isUnchanged(conditions, document.lsn)) return reply.code(304).send();
      return reply.type("application/json").send(document.value);
    },
  );
}

type Wanted =
  | Pick<Extract<DocumentChange, { type: "put" }>, "type" | "value">
  | Pick<Extract<DocumentChange, { type: "merge" }>, "type" | "patch">
  | { readonly type: "delete" };

async function change(
  pool: Pool,
  request: DocumentRequest,
  reply: FastifyReply,
  wanted: Wanted,
): Promise<FastifyReply> {
  const { space } = request.params;
  const id = checkDocumentId(request.params.id);
  const conditions = readPreconditions(request.headers);
  const { value } = await pool.write(request, (db, commit) => {
    requireSpace(db, space);
    return changeDocument(db, commit, space, { ...wanted, id, conditions });
  });
  return answer(reply, space, value);
}

function answer(reply: FastifyReply, space: string, { id, change, lsn }: DocumentResult): FastifyReply {
  if (change === "deleted") return reply.code(204).send();
  return reply
    .code(change === "created" ? 201 : 200)
    .header("etag", formatTag(lsn))
    .send({ space, id, lsn });
}
