import { type Player } from "./player.ts";

/**
 * Claims tasks of a flow, as one of several workers or as a plain consumer, by poll_for_tasks or by
 * reading the queue itself.
 */
export async function poll(player: Player): Promise<string | undefined> {
  const { world, engine, random, isConcurrent } = player;
  const flow = random.pick([...world.flows.keys()]);
  const qty = random.pick([0, 1, 2, 5, 10, 10]);
  const workerId = random.pick(world.workers);
  const byHand = random.chance(0.1);
  const options = {
    // A held lock leaves a message to come back after vt, which must not be longer than the test.
    vt: isConcurrent ? random.int(2) : random.pick([0, 1, 900]),
    qty,
    workerId: byHand || random.chance(0.8) ? workerId : null,
  };
  // A transaction of others that ends late, or not at all.
  const ending = isConcurrent ? random.pick(["", "", "", "commit", "rollback"]) : "";
  if (ending !== "") await engine.sql`begin`;
  const records = byHand
    ? await engine.readAndStart(flow, qty, workerId)
    : await engine.poll(flow, options);
  if (ending !== "") {
    await engine.openTasks();
    await engine.sql.unsafe(ending);
  }
  const how = `${byHand ? "start_tasks" : "poll"} ${flow} qty ${qty}`;
  if (ending === "rollback") return `${how} → rolled back`;

  if (records.length === 0) return `${how} → nothing`;
  if (records.length > qty) throw new Error(`${how}: ${records.length} tasks came`);
  if (records.some((record) => record.flow_slug !== flow)) {
    throw new Error(`${how}: tasks of another flow came`);
  }
  const ids = records.map((record) => Number(record.msg_id));
  if (ids.some((id, index) => index > 0 && id <= ids[index - 1]!)) {
    throw new Error(`${how}: messages came in the order ${ids}`);
  }
  const claims = [];
  for (const record of records) claims.push(await world.claim(record, options.workerId, engine));
  return `${how} → ${
    claims.map(({ task, record, fate }) => `${task}#${record.attempt} (${fate.kind})`).join(", ") ||
    "nothing"
  }`;
}
