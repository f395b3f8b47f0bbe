/** `/spaces` and `/spaces/{space}`. Making, changing and deleting a space are system events: a checkpoint follows. */
import type { FastifyInstance } from "fastify";
import { Type, type Static } from "typebox";
import type { Pool } from "../pool.ts";
import { checkSettingsText, MAX_TITLE_LENGTH, SpaceParams } from "./names.ts";
import { PageQuery, pageText, readPageRequest } from "./page.ts";
import { deleteSpace, listSpaces, putSpace, readSpace, type SpaceChange } from "./space-table.ts";

const SpaceBody = Type.Object(
  {
    title: Type.Optional(Type.Union([Type.String({ maxLength: MAX_TITLE_LENGTH }), Type.Null()])),
    settings: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  { additionalProperties: false },
);

type Params = { Params: Static<typeof SpaceParams> };

export function registerSpaces(app: FastifyInstance, pool: Pool): void {
  app.get<{ Querystring: Static<typeof PageQuery> }>(
    "/spaces",
    {
      schema: { querystring: PageQuery },
      config: { summary: "Lists spaces in order of their names", answers: { 200: "a page" } },
    },
    async (request, reply) => {
      const page = readPageRequest(request.query);
      const text = await pool.read(request, (db) => pageText("spaces", listSpaces(db, page), page));
      return reply.type("application/json").send(text);
    },
  );

  app.get<Params>(
    "/spaces/:space",
    {
      schema: { params: SpaceParams },
      config: { summary: "Reads a space", answers: { 200: "the space", 404: "absent" } },
    },
    async (request, reply) => {
      const text = await pool.read(request, (db) => readSpace(db, request.params.space));
      return reply.type("application/json").send(text);
    },
  );

  app.put<Params & { Body: Static<typeof SpaceBody> | null | undefined }>(
    "/spaces/:space",
    {
      schema: { params: SpaceParams, body: Type.Union([SpaceBody, Type.Null()]) },
      config: {
        summary: "Creates a space, or updates what is given of it",
        body: SpaceBody,
        answers: { 200: "updated", 201: "created" },
      },
    },
    async (request, reply) => {
      const { space } = request.params;
      const change = readChange(request.body ?? {});
      const { value, replayed } = await pool.write(request, (db, commit) => putSpace(db, commit, space, change));
      if (!replayed) pool.checkpoint(`space ${space} was ${value.created ? "created" : "updated"}`);
      return reply
        .code(value.created ? 201 : 200)
        .type("application/json")
        .send(value.text);
    },
  );

  app.delete<Params>(
    "/spaces/:space",
    {
      schema: { params: SpaceParams },
      config: { summary: "Deletes a space with all its documents", answers: { 204: "deleted", 404: "absent" } },
    },
    async (request, reply) => {
      const { space } = request.params;
      const { replayed } = await pool.write(request, (db) => deleteSpace(db, space));
      if (!replayed) pool.checkpoint(`space ${space} was deleted`);
      return reply.code(204).send();
    },
  );
}

function readChange({ title, settings }: Static<typeof SpaceBody>): SpaceChange {
  return {
    ...(title === undefined ? {} : { title }),
    ...(settings === undefined ? {} : { settings: checkSettingsText(JSON.stringify(settings)) }),
  };
}
