import postgres from "postgres";
import type { Caller } from "./authenticate.ts";

/** What a caller may do with a private topic. */
export interface TopicRights {
  read: boolean;
  write: boolean;
}

/**
 * Asks the policies on realtime.messages, as Realtime does: in a transaction that is rolled back,
 * whether the caller can see a message of the topic, and whether it can store one.
 */
export async function rightsOn(
  sql: postgres.Sql,
  { role, claims }: Caller,
  topic: string,
): Promise<TopicRights> {
  const rights: TopicRights = { read: false, write: false };
  const done = new Error("rolled back");
  const settings = {
    role,
    "realtime.topic": topic,
    "request.jwt.claims": JSON.stringify(claims),
    "request.jwt.claim.sub": String(claims.sub ?? ""),
    "request.jwt.claim.role": role,
  };
  try {
    await sql.begin(async (transaction) => {
      const probe = await store(transaction, topic);
      await transaction`
        select set_config(name, value, true)
        from jsonb_each_text(${transaction.json(settings)}) s (name, value)
      `;
      const seen = await transaction`select from realtime.messages where id = ${probe}`;
      rights.read = seen.length > 0;
      rights.write = await transaction.savepoint(async (savepoint) => {
        await store(savepoint, topic);
        return true;
      }).catch(refused);
      throw done;
    });
  } catch (error) {
    if (error !== done) throw error;
  }
  return rights;
}

/** Not "returning": what may be written need not be readable. */
async function store(
  transaction: postgres.TransactionSql,
  topic: string,
): Promise<string> {
  const id = crypto.randomUUID();
  await transaction`
    insert into realtime.messages (id, topic, extension, private)
    values (${id}, ${topic}, 'broadcast', true)
  `;
  return id;
}

function refused(error: unknown): false {
  if (error instanceof postgres.PostgresError && error.code === "42501") return false;
  throw error;
}
