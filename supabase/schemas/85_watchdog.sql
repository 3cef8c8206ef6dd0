-- install_watchdog: schedule ensure_workers with pg_cron, and tell it how to call functions.
--
-- Stores the project's URL and a secret key in Vault when they are given. Installing again changes
-- the schedule or the secrets. Returns what is still missing for workers to be woken: nothing, if
-- all is well.
create or replace function pgflow.install_watchdog(
  project_url text default null,
  secret_key text default null,
  schedule text default '10 seconds'
)
  returns table (problem text, advice text)
  language plpgsql
  set search_path = ''
as $$
begin
  if install_watchdog.project_url is not null then
    perform pgflow._store_secret('project_url', install_watchdog.project_url);
  end if;

  if install_watchdog.secret_key is not null then
    perform pgflow._store_secret('secret_key', install_watchdog.secret_key);
  end if;

  if to_regprocedure('cron.schedule(text,text,text)') is not null then
    execute 'select cron.schedule($1, $2, $3)'
    using 'pgflow watchdog', install_watchdog.schedule, 'select pgflow.ensure_workers()';

    -- pg_cron notes each run and forgets none.
    execute 'select cron.schedule($1, $2, $3)'
    using 'pgflow watchdog log', '17 3 * * *', $command$
      delete from cron.job_run_details d
      using cron.job j
      where j.jobid = d.jobid
        and j.jobname like 'pgflow watchdog%'
        and d.end_time < now() - interval '1 day'
    $command$;
  end if;

  return query select p.problem, p.advice from pgflow.setup_problems() p;
end;
$$;

comment on function pgflow.install_watchdog(text, text, text) is
  'Schedules the watchdog that wakes workers, and returns what it still lacks.';

-- remove_watchdog: take ensure_workers off pg_cron's schedule; returns whether it was on it.
--
-- The secrets stay: others may use them.
create or replace function pgflow.remove_watchdog()
  returns boolean
  language plpgsql
  set search_path = ''
as $$
declare
  v_removed int := 0;
begin
  if to_regclass('cron.job') is not null then
    execute
      $query$
        select count(cron.unschedule(j.jobname))
        from cron.job j
        where j.jobname in ('pgflow watchdog', 'pgflow watchdog log')
      $query$
    into v_removed;
  end if;

  return v_removed > 0;
exception
  -- Whoever may not use pg_cron has put nothing on its schedule.
  when insufficient_privilege then
    return false;
end;
$$;

comment on function pgflow.remove_watchdog() is 'Takes the watchdog off pg_cron''s schedule.';

-- setup_problems: what keeps the database from waking workers, and what to do; no row if nothing
-- does.
create or replace function pgflow.setup_problems()
  returns table (problem text, advice text)
  language plpgsql
  set search_path = ''
as $$
declare
  v_has_net boolean := to_regprocedure('net.http_post(text,jsonb,jsonb,jsonb,integer)') is not null;
  v_has_vault boolean := to_regclass('vault.decrypted_secrets') is not null;
  v_has_cron boolean := to_regprocedure('cron.schedule(text,text,text)') is not null;
begin
  return query
  select e.problem, e.advice
  from (
    values
      (v_has_net, 'pg_net is not there', 'create extension pg_net'),
      (v_has_vault, 'Vault is not there', 'create extension supabase_vault'),
      (v_has_cron, 'pg_cron is not there', 'create extension pg_cron')
  ) as e (is_there, problem, advice)
  where not e.is_there;

  if v_has_vault then
    return query execute
      $query$
        select
          format('secret "%s" is not in Vault', n.name),
          format('select pgflow.install_watchdog(%s => %L)', n.name, n.example)
        from (
          values
            ('project_url', 'https://<ref>.supabase.co'),
            ('secret_key', 'sb_secret_…')
        ) as n (name, example)
        where not exists (select from vault.decrypted_secrets s where s.name = n.name)
      $query$;
  end if;

  if v_has_cron then
    return query execute
      $query$
        select 'the watchdog is not on pg_cron''s schedule', 'select pgflow.install_watchdog()'
        where not exists (select from cron.job j where j.jobname = 'pgflow watchdog' and j.active)
      $query$;
  end if;

  if v_has_net and to_regclass('net._http_response') is not null then
    return query execute
      $query$
        select
          format(
            'function "%s" was called at %s and answered %s',
            f.function_name,
            to_char(f.woken_at, 'YYYY-MM-DD HH24:MI:SS'),
            coalesce(r.status_code::text || ': ' || left(r.content, 300), r.error_msg, 'nothing')
          ),
          case
            when r.status_code = 404 then format(
              'deploy function "%s", or call the one that serves %s once: it is remembered',
              f.function_name,
              array_to_string(f.queue_names, ', ')
            )
            when r.status_code = 401 then
              'select pgflow.install_watchdog(secret_key => …) with a secret key of this project'
            else 'look at the function''s log'
          end
        from pgflow.functions f
        join net._http_response r on r.id = f.request_id
        where coalesce(r.status_code, 0) not in (200, 202)
          and coalesce(f.registered_at < f.woken_at, true)
      $query$;
  end if;
end;
$$;

comment on function pgflow.setup_problems() is
  'What keeps the database from waking workers, and what to do about it.';

-- _store_secret: create or replace a secret in Vault.
create or replace function pgflow._store_secret(name text, secret text)
  returns void
  language plpgsql
  set search_path = ''
as $$
declare
  v_updated int;
begin
  if to_regclass('vault.decrypted_secrets') is null then
    raise exception using
      errcode = '55000',
      message = format('Cannot store secret "%s": Vault is not there', _store_secret.name),
      hint = 'create extension supabase_vault; on Supabase it is there.';
  end if;

  execute 'select vault.update_secret(s.id, $2) from vault.decrypted_secrets s where s.name = $1'
  using _store_secret.name, _store_secret.secret;

  get diagnostics v_updated = row_count;

  if v_updated = 0 then
    execute 'select vault.create_secret($2, $1)'
    using _store_secret.name, _store_secret.secret;
  end if;
end;
$$;
