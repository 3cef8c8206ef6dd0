import type postgres from "postgres";

/**
 * Lets the engine draw the ids of runs from a seed in this database, because the order of messages
 * follows them: without it a replay would not meet the same interleaving.
 */
export async function seedIds(sql: postgres.Sql): Promise<(seed: string) => Promise<void>> {
  await sql.unsafe(`
    create sequence pgflow_tests.ids;
    create function pgflow_tests.next_id() returns uuid language sql volatile as $$
      select md5(current_setting('pgflow_tests.seed') || nextval('pgflow_tests.ids'))::uuid;
    $$;
    do $$
    declare
      v_function regprocedure;
    begin
      for v_function in
        select p.oid from pg_proc p
        where p.pronamespace = 'pgflow'::regnamespace and p.prosrc like '%gen_random_uuid()%'
      loop
        execute replace(
          pg_get_functiondef(v_function), 'gen_random_uuid()', 'pgflow_tests.next_id()'
        );
      end loop;
    end;
    $$`);
  return async (seed) => {
    await sql`select set_config('pgflow_tests.seed', ${seed}, false)`;
    await sql`alter sequence pgflow_tests.ids restart`;
  };
}
