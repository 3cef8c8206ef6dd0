-- The parts of Supabase that pgflow meets in a database, for a plain Postgres: roles, their default
-- privileges, the functions that read a request's claims, Vault, pg_net and pg_cron. Applied before
-- the migrations by the local stack and the tests; on Supabase all of it exists already. Applying it
-- twice changes nothing.

do $$
begin
  if to_regrole('anon') is null then
    create role anon nologin noinherit;
    alter role anon set statement_timeout = '3s';
  end if;
  if to_regrole('authenticated') is null then
    create role authenticated nologin noinherit;
    alter role authenticated set statement_timeout = '8s';
  end if;
  if to_regrole('service_role') is null then
    create role service_role nologin noinherit bypassrls;
  end if;
  if to_regrole('authenticator') is null then
    create role authenticator login noinherit password 'postgres';
    alter role authenticator set statement_timeout = '8s';
    alter role authenticator set lock_timeout = '8s';
    grant anon, authenticated, service_role to authenticator;
  end if;
end;
$$;

-- As on the platform: what is created in public is reachable through the API until it is revoked.
grant usage on schema public to anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;

create schema if not exists extensions;
grant usage on schema extensions to anon, authenticated, service_role;

create schema if not exists auth;
grant usage on schema auth to anon, authenticated, service_role;

create or replace function auth.jwt()
  returns jsonb
  language sql
  stable
as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb;
$$;

create or replace function auth.uid()
  returns uuid
  language sql
  stable
as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
  )::uuid;
$$;

create or replace function auth.role()
  returns text
  language sql
  stable
as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.role', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
  );
$$;

-- Vault: secrets by name. Here they lie in the table as they are.
create schema if not exists vault;

create table if not exists vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create unique index if not exists secrets_name_idx on vault.secrets (name) where name is not null;

create or replace view vault.decrypted_secrets with (security_invoker = on) as
select s.id, s.name, s.description, s.secret, s.secret as decrypted_secret, s.created_at, s.updated_at
from vault.secrets s;

create or replace function vault.create_secret(
  new_secret text,
  new_name text default null,
  new_description text default '',
  new_key_id uuid default null
)
  returns uuid
  language sql
  set search_path = ''
as $$
  insert into vault.secrets (secret, name, description)
  values (new_secret, new_name, new_description)
  returning id;
$$;

create or replace function vault.update_secret(
  secret_id uuid,
  new_secret text default null,
  new_name text default null,
  new_description text default null,
  new_key_id uuid default null
)
  returns void
  language sql
  set search_path = ''
as $$
  update vault.secrets s
  set
    secret = coalesce(new_secret, s.secret),
    name = coalesce(new_name, s.name),
    description = coalesce(new_description, s.description),
    updated_at = now()
  where s.id = secret_id;
$$;

revoke all on function vault.create_secret(text, text, text, uuid) from public;
revoke all on function vault.update_secret(uuid, text, text, text, uuid) from public;

-- pg_net: requests that are sent once the transaction has committed. lib/local/http_sender.ts sends
-- them, where a local stack runs; elsewhere they stay where they are. Parameters are not escaped.
create schema if not exists net;
grant usage on schema net to anon, authenticated, service_role;

create unlogged table if not exists net.http_request_queue (
  id bigint generated always as identity,
  method text not null,
  url text not null,
  headers jsonb,
  body bytea,
  timeout_milliseconds int not null
);

create unlogged table if not exists net._http_response (
  id bigint,
  status_code int,
  content_type text,
  headers jsonb,
  content text,
  timed_out bool,
  error_msg text,
  created timestamptz not null default now()
);

create or replace function net.http_post(
  url text,
  body jsonb default '{}',
  params jsonb default '{}',
  headers jsonb default '{"Content-Type": "application/json"}',
  timeout_milliseconds int default 5000
)
  returns bigint
  language plpgsql
  security definer
  set search_path = ''
as $$
declare
  v_content_type text;
  v_query text;
  v_id bigint;
begin
  select h.value
  into v_content_type
  from jsonb_each_text(http_post.headers) h
  where lower(h.key) = 'content-type';

  if v_content_type <> 'application/json' then
    raise exception 'Content-Type header must be "application/json"';
  end if;

  select string_agg(format('%s=%s', p.key, p.value), '&')
  into v_query
  from jsonb_each_text(http_post.params) p;

  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values (
    'POST',
    concat_ws('?', http_post.url, v_query),
    '{"Content-Type": "application/json"}' || coalesce(http_post.headers, '{}'),
    convert_to(http_post.body::text, 'UTF8'),
    http_post.timeout_milliseconds
  )
  returning id into v_id;

  perform pg_notify('net_wake', '');
  return v_id;
end;
$$;

revoke all on function net.http_post(text, jsonb, jsonb, jsonb, int) from public;
grant execute on function net.http_post(text, jsonb, jsonb, jsonb, int)
  to anon, authenticated, service_role;

-- pg_cron: commands and when to run them. lib/local/cron_clock.ts runs them, where a local stack
-- runs. A schedule is "5 seconds" or five fields of numbers, lists, ranges and steps.
create schema if not exists cron;

create table if not exists cron.job (
  jobid bigint generated by default as identity primary key,
  schedule text not null,
  command text not null,
  database text not null default current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  unique (jobname, username)
);

create table if not exists cron.job_run_details (
  runid bigint generated by default as identity primary key,
  jobid bigint,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);

create or replace function cron.schedule(job_name text, schedule text, command text)
  returns bigint
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
declare
  v_field constant text := '(\*|\d+(-\d+)?)(/\d+)?';
  v_id bigint;
begin
  if schedule.schedule !~ '^([1-9]|[1-5]\d) seconds?$'
    and schedule.schedule !~ format('^(%s(,%s)*( |$)){5}$', v_field, v_field)
  then
    raise exception 'invalid schedule: %', schedule.schedule using
      hint = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''';
  end if;

  insert into cron.job (jobname, schedule, command)
  values (schedule.job_name, schedule.schedule, schedule.command)
  on conflict (jobname, username) do update
  set schedule = excluded.schedule, command = excluded.command
  returning jobid into v_id;

  return v_id;
end;
$$;

create or replace function cron.unschedule(job_name text)
  returns boolean
  language plpgsql
  set search_path = ''
as $$
begin
  delete from cron.job j
  where j.jobname = unschedule.job_name
    and j.username = current_user;

  if not found then
    raise exception 'could not find valid entry for job ''%''', unschedule.job_name;
  end if;

  return true;
end;
$$;

create or replace function cron.unschedule(job_id bigint)
  returns boolean
  language plpgsql
  set search_path = ''
as $$
begin
  delete from cron.job j
  where j.jobid = unschedule.job_id
    and j.username = current_user;

  if not found then
    raise exception 'could not find valid entry for job %', unschedule.job_id;
  end if;

  return true;
end;
$$;

revoke all on function cron.schedule(text, text, text) from public;
revoke all on function cron.unschedule(text) from public;
revoke all on function cron.unschedule(bigint) from public;

-- Realtime: what is sent lies in a table with a partition for each day, which Realtime makes ahead
-- and reads. Here lib/local/realtime.ts is told of new rows at commit, and makes partitions.
create schema if not exists realtime;
grant usage on schema realtime to anon, authenticated, service_role;

create table if not exists realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp without time zone not null default now(),
  inserted_at timestamp without time zone not null default now(),
  id uuid not null default gen_random_uuid(),
  primary key (id, inserted_at)
)
  partition by range (inserted_at);

alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;

create or replace function realtime.topic()
  returns text
  language sql
  stable
as $$
  select nullif(current_setting('realtime.topic', true), '')::text;
$$;

create or replace function realtime.send(
  payload jsonb,
  event text,
  topic text,
  private boolean default true
)
  returns void
  language plpgsql
as $$
declare
  v_id uuid := gen_random_uuid();
begin
  perform set_config('realtime.topic', send.topic, true);

  insert into realtime.messages (id, payload, event, topic, private, extension)
  values (
    v_id,
    jsonb_build_object('id', v_id) || send.payload,
    send.event,
    send.topic,
    send.private,
    'broadcast'
  );
exception
  when others then
    raise warning 'ErrorSendingBroadcastMessage: %', sqlerrm;
end;
$$;

-- Not on the platform, where Realtime makes the partitions itself.
create or replace function realtime.create_partitions()
  returns void
  language plpgsql
as $$
declare
  v_day date;
begin
  for v_day in
    select d::date
    from generate_series(current_date - 1, current_date + 7, interval '1 day') d
  loop
    if to_regclass(format('realtime.messages_%s', to_char(v_day, 'YYYY_MM_DD'))) is null then
      execute format(
        'create table realtime.%I partition of realtime.messages for values from (%L) to (%L)',
        'messages_' || to_char(v_day, 'YYYY_MM_DD'),
        v_day,
        v_day + 1
      );
    end if;
  end loop;
end;
$$;

select realtime.create_partitions();

-- Not on the platform, where Realtime reads the write-ahead log. A notification's text is limited.
create or replace function realtime.notify_messages()
  returns trigger
  language plpgsql
as $$
begin
  perform pg_notify('realtime_messages', string_agg(n.id::text, ',' order by n.position))
  from (
    select m.id, row_number() over () as position
    from new_messages m
  ) n
  group by n.position / 200
  order by n.position / 200;

  return null;
end;
$$;

create or replace trigger notify_messages
  after insert on realtime.messages
  referencing new table as new_messages
  for each statement
  execute function realtime.notify_messages();
