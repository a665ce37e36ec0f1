import { and, desc, eq, isNull, lt } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import { isId } from "../../platform/ids.ts";
import { failureText } from "../notifications/index.ts";
import { linkTo, readableFiles, type StoredFile } from "../photos/index.ts";
import type { Language } from "../profile/index.ts";
import { outlook } from "./estimate.ts";
import { type Generation, isLive, type OrderedGeneration } from "./start.ts";
import { type GenerationStatus, isFinal } from "./states.ts";
import { type GenerationType, generations } from "./tables.ts";

/** A generation as the API answers it. Times are ISO 8601, links are signed and expire. */
export interface GenerationView {
  id: string;
  type: GenerationType;
  status: GenerationStatus;
  progress: number;
  queue_position?: number;
  eta_seconds?: number;
  user_photo_url?: string;
  item_photo_url?: string;
  prompt: string;
  zone?: string;
  base_generation_id?: string;
  session_id?: string;
  image_url?: string;
  preview_url?: string;
  watermarked: boolean;
  free_action: boolean;
  credits_spent: number;
  tokens_used?: number;
  error?: { code: string; detail: string; charged: false };
  created_at: string;
  finished_at?: string;
}

type Outlook = Pick<GenerationView, "queue_position" | "eta_seconds">;
type ViewNeeds = Pick<Context, "db" | "clock" | "settings" | "links">;

/** The person's own generation; anybody else's is `not_found`, exactly like one that never was. */
export async function ownGeneration(
  ctx: Pick<Context, "db">,
  userId: string,
  generationId: string,
): Promise<Generation> {
  const rows = isId(generationId)
    ? await ctx.db
        .select()
        .from(generations)
        .where(and(eq(generations.id, generationId), eq(generations.userId, userId), isNull(generations.deletedAt)))
    : [];
  if (!rows[0]) throw new Refusal("not_found");
  return rows[0];
}

/** The person's generations, newest first; `before` is the id of the last one already seen. */
export async function listGenerations(
  ctx: Pick<Context, "db">,
  userId: string,
  page: {
    before: string | null;
    limit: number;
    type?: GenerationType | undefined;
    status?: GenerationStatus | undefined;
    /** Edits that were ordered in this conversation. */
    sessionId?: string | undefined;
  },
): Promise<Generation[]> {
  // No conversation is called so; Postgres would not compare it with one.
  if (page.sessionId !== undefined && !isId(page.sessionId)) return [];
  return ctx.db
    .select()
    .from(generations)
    .where(
      and(
        eq(generations.userId, userId),
        isNull(generations.deletedAt),
        page.before === null ? undefined : lt(generations.id, page.before),
        page.type === undefined ? undefined : eq(generations.type, page.type),
        page.status === undefined ? undefined : eq(generations.status, page.status),
        page.sessionId === undefined ? undefined : eq(generations.sessionId, page.sessionId),
      ),
    )
    .orderBy(desc(generations.id))
    .limit(page.limit);
}

/** The person's generations that are not finished, oldest first. */
export async function activeGenerations(ctx: Pick<Context, "db">, userId: string): Promise<Generation[]> {
  return ctx.db
    .select()
    .from(generations)
    .where(and(eq(generations.userId, userId), isLive))
    .orderBy(generations.id);
}

/** Several generations as the API answers them; their files are read in one query. */
export async function viewGenerations(
  ctx: ViewNeeds,
  rows: readonly Generation[],
  language: Language,
): Promise<GenerationView[]> {
  const ids = rows.flatMap((row) => shownFileIds(row).filter((id) => id !== null));
  const [files, outlooks] = await Promise.all([
    readableFiles(ctx, ids),
    Promise.all(rows.map((row) => (isFinal(row.status) ? {} : outlook(ctx, row)))),
  ]);
  return rows.map((row, place) => view(ctx, row, { files, language, outlook: outlooks[place] ?? {} }));
}

/** One generation as the API answers it. */
export async function viewGeneration(ctx: ViewNeeds, row: Generation, language: Language): Promise<GenerationView> {
  const [only] = await viewGenerations(ctx, [row], language);
  if (!only) throw new Error("one row gives one view");
  return only;
}

/** The same of one that was ordered just now: its photos were read and found good in this transaction. */
export async function viewOrdered(
  ctx: ViewNeeds,
  ordered: OrderedGeneration,
  language: Language,
): Promise<GenerationView> {
  const files = new Map(ordered.photos.map((file) => [file.id, file]));
  return view(ctx, ordered, { files, language, outlook: await outlook(ctx, ordered) });
}

/** The one copy of the result that its owner may see: while a watermark is due, the one that carries it. */
export function visibleCopyId(row: Pick<Generation, "watermarked" | "markedFileId" | "imageFileId">): string | null {
  return row.watermarked ? row.markedFileId : row.imageFileId;
}

/** While a generation is watermarked, its clean copies are not among the files that can be linked at all. */
function shownFileIds(row: Generation): Array<string | null> {
  const previewId = row.watermarked ? row.markedPreviewFileId : row.previewFileId;
  return [visibleCopyId(row), previewId, row.userPhotoId, row.itemPhotoId];
}

function view(
  ctx: ViewNeeds,
  row: Generation,
  { files, language, outlook }: { files: ReadonlyMap<string, StoredFile>; language: Language; outlook: Outlook },
): GenerationView {
  const [imageId = null, previewId = null] = shownFileIds(row);
  const link = (fileId: string | null): string | undefined => {
    const file = fileId === null ? undefined : files.get(fileId);
    // A clean result that an edit began with is not for its owner's eyes while a watermark is due.
    return file?.viewable ? linkTo(ctx, file) : undefined;
  };
  return {
    id: row.id,
    type: row.type,
    status: row.status,
    progress: row.progress,
    ...outlook,
    ...given("user_photo_url", link(row.userPhotoId)),
    ...given("item_photo_url", link(row.itemPhotoId)),
    prompt: row.prompt,
    ...given("zone", row.zone ?? undefined),
    ...given("base_generation_id", row.baseGenerationId ?? undefined),
    ...given("session_id", row.sessionId ?? undefined),
    ...given("image_url", link(imageId)),
    ...given("preview_url", link(previewId)),
    watermarked: row.watermarked,
    free_action: row.freeAction,
    credits_spent: row.creditsSpent,
    ...given("tokens_used", row.tokensUsed ?? undefined),
    ...(row.errorCode === null
      ? {}
      : { error: { code: row.errorCode, detail: failureText(row.errorCode, language), charged: false as const } }),
    created_at: row.createdAt.toISOString(),
    ...given("finished_at", row.finishedAt?.toISOString()),
  };
}

/** A member that is left out when there is nothing to say. */
function given<Name extends string, Value>(name: Name, value: Value | undefined): { [N in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { [N in Name]?: Value };
}
