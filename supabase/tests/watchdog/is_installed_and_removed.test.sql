begin;
select plan(8);
select pgflow_tests.reset_db();
delete from cron.job where true;
delete from vault.secrets where true;

select results_eq(
  'select problem from pgflow.setup_problems()',
  $$ values
    ('secret "project_url" is not in Vault'),
    ('secret "secret_key" is not in Vault'),
    ('the watchdog is not on pg_cron''s schedule') $$,
  'what is missing is named'
);
select results_eq(
  'select problem, advice from pgflow.install_watchdog(project_url => ''https://ref.supabase.co'')',
  $$ values (
    'secret "secret_key" is not in Vault',
    'select pgflow.install_watchdog(secret_key => ''sb_secret_…'')'
  ) $$,
  'installing says what is still missing'
);
select is_empty($$ select * from pgflow.install_watchdog(secret_key => 'one') $$, 'now all is there');
select is_empty($$ select * from pgflow.install_watchdog(secret_key => 'two', schedule => '5 seconds') $$, 'again');
select results_eq(
  $$ select name, decrypted_secret from vault.decrypted_secrets order by name $$,
  $$ values ('project_url', 'https://ref.supabase.co'), ('secret_key', 'two') $$,
  'a secret is stored once'
);
select results_eq(
  $$ select jobname, schedule from cron.job order by jobname $$,
  $$ values ('pgflow watchdog', '5 seconds'), ('pgflow watchdog log', '17 3 * * *') $$,
  'two jobs are scheduled: the watchdog, and one that prunes what pg_cron notes of it'
);
select is(pgflow.remove_watchdog(), true, 'it is removed');
select is(pgflow.remove_watchdog(), false, 'once');

select finish();
rollback;
