/** `/spaces/{space}/transactions`: several changes, all or nothing, as one commit. */
import type { FastifyInstance } from "fastify";
import { Type, type Static } from "typebox";
import { HotspareError, isHotspareError } from "../../../shared/errors.ts";
import type { Commit, Db } from "../../store/store.ts";
import type { Pool } from "../pool.ts";
import { changeDocument, type DocumentChange, type DocumentResult } from "./document-table.ts";
import type { Json } from "./exact-json.ts";
import { requireBody } from "./json-body.ts";
import { checkDocumentId, DocumentId, MAX_OPERATIONS, SpaceParams } from "./names.ts";
import { formatTag, MUST_BE_ABSENT, NO_PRECONDITIONS, parseMatch, type Preconditions } from "./preconditions.ts";
import { requireSpace } from "./space-table.ts";

const IfMatch = Type.Optional(
  Type.Union([Type.String(), Type.Integer({ minimum: 0 }), Type.Null()], {
    description: "an entity tag as in If-Match, or an LSN; null: the document must be absent",
  }),
);
const only = { additionalProperties: false };

const Operation = Type.Union([
  Type.Object({ put: DocumentId, value: Type.Unknown(), ifMatch: IfMatch }, only),
  Type.Object({ merge: DocumentId, value: Type.Unknown(), ifMatch: IfMatch }, only),
  Type.Object({ delete: DocumentId, ifMatch: IfMatch }, only),
  Type.Object({ check: DocumentId, ifMatch: IfMatch }, only),
]);

const TransactionBody = Type.Object(
  { operations: Type.Array(Operation, { minItems: 1, maxItems: MAX_OPERATIONS }) },
  only,
);

export function registerTransactions(app: FastifyInstance, pool: Pool): void {
  app.post<{ Params: Static<typeof SpaceParams> }>(
    "/spaces/:space/transactions",
    {
      schema: { params: SpaceParams, body: TransactionBody },
      config: {
        summary: "Changes several documents, all or nothing",
        answers: { 200: "what became of each", 404: "a document is absent", 412: "a document is in another state" },
      },
    },
    async (request) => {
      const { space } = request.params;
      const changes = (requireBody(request) as unknown as Static<typeof TransactionBody>).operations.map(readOperation);
      const { value, lsn } = await pool.write(request, (db, commit) => changeAll(db, commit, space, changes));
      return { lsn, results: value };
    },
  );
}

function changeAll(
  db: Db,
  commit: Commit,
  space: string,
  changes: readonly DocumentChange[],
): readonly DocumentResult[] {
  requireSpace(db, space);
  return changes.map((change, operation) =>
    namingOperation(operation, () => changeDocument(db, commit, space, change)),
  );
}

function readOperation(operation: Static<typeof Operation>, index: number): DocumentChange {
  return namingOperation(index, () => {
    const conditions = readIfMatch(operation.ifMatch);
    if ("put" in operation) {
      return { type: "put", id: checkDocumentId(operation.put), conditions, value: JSON.stringify(operation.value) };
    }
    if ("merge" in operation) {
      return { type: "merge", id: checkDocumentId(operation.merge), conditions, patch: operation.value as Json };
    }
    if ("delete" in operation) return { type: "delete", id: checkDocumentId(operation.delete), conditions };
    return { type: "check", id: checkDocumentId(operation.check), conditions };
  });
}

function readIfMatch(ifMatch: Static<typeof IfMatch> | undefined): Preconditions {
  if (ifMatch === undefined) return NO_PRECONDITIONS;
  if (ifMatch === null) return MUST_BE_ABSENT;
  const text = typeof ifMatch === "number" ? formatTag(ifMatch) : ifMatch;
  return { ifMatch: parseMatch("ifMatch", text), ifNoneMatch: null };
}

/** A refusal says which operation it is about, counted from 0. */
function namingOperation<T>(operation: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!isHotspareError(error)) throw error;
    throw new HotspareError(error.code, { ...error.details, operation }, { cause: error });
  }
}
