-- The table that the flow analyze_website saves its reports in: one row per run.
create table if not exists public.website_reports (
  id bigint generated always as identity primary key,
  run_id uuid not null unique,
  url text not null,
  title text,
  report jsonb not null,
  created_at timestamptz not null default now()
);

comment on table public.website_reports is 'What the flow analyze_website found, one row per run';

alter table public.website_reports enable row level security;
revoke all on public.website_reports from anon, authenticated;
grant select on public.website_reports to service_role;
