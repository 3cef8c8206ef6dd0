import postgres from "postgres";

/** A message that was stored in realtime.messages. */
export interface StoredMessage {
  id: string;
  topic: string;
  event: string;
  payload: unknown;
  isPrivate: boolean;
}

/** Who is told about stored messages. */
export interface FeedReader {
  /** Is given each message once, in the order of commits. */
  onMessage(message: StoredMessage): void;
  /** Is told that messages may have been missed, because the connection was lost for a while. */
  onGap(): void;
}

const AN_HOUR = 3_600_000;
const MOST_REPLAYED = 25;

/**
 * Reads what transactions store in realtime.messages as they commit, and makes the partitions that
 * the table needs, as Realtime does on the platform.
 */
export async function startFeed(sql: postgres.Sql, reader: FeedReader): Promise<AsyncDisposable> {
  const makePartitions = async () => void await sql`select realtime.create_partitions()`;
  await makePartitions();
  const timer = setInterval(() => makePartitions().catch(() => {}), AN_HOUR);
  Deno.unrefTimer(timer);
  let last = Promise.resolve();
  let isListening = false;
  const { unlisten } = await sql.listen("realtime_messages", (ids) => {
    last = last.then(() => read(sql, ids.split(","), reader)).catch(() => reader.onGap());
  }, () => {
    if (isListening) reader.onGap();
    isListening = true;
  });
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await unlisten();
      await last;
    },
  };
}

/** Returns private messages of a topic that were stored since then, the oldest first. */
export async function storedSince(
  sql: postgres.Sql,
  { topic, since, limit }: { topic: string; since: number; limit: number },
): Promise<StoredMessage[]> {
  return await sql<StoredMessage[]>`
    select m.id, m.topic, m.event, m.payload, m.private as "isPrivate"
    from (
      select x.*
      from realtime.messages x
      where x.topic = ${topic}
        and x.private
        and x.extension = 'broadcast'
        and x.inserted_at >= to_timestamp(${since}::float8 / 1000)
      order by x.inserted_at desc
      limit ${Math.min(limit, MOST_REPLAYED)}
    ) m
    order by m.inserted_at
  `;
}

async function read(sql: postgres.Sql, ids: string[], reader: FeedReader): Promise<void> {
  const messages = await sql<StoredMessage[]>`
    select m.id, m.topic, m.event, m.payload, m.private as "isPrivate"
    from unnest(${ids}::uuid[]) with ordinality as x (id, position)
    join realtime.messages m on m.id = x.id
    where m.extension = 'broadcast'
    order by x.position
  `;
  for (const message of messages) reader.onMessage(message);
}
