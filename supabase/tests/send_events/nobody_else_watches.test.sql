begin;
select plan(10);
select pgflow_tests.reset_db();
select pgflow_tests.reset_events();
select pgflow_tests.setup_flow('single');
select pgflow.start_flow_with_states('single', '1', '10000000-0000-4000-8000-000000000001');
update pgflow.runs set owner = '00000000-0000-4000-8000-00000000000a' where true;
delete from realtime.messages where true;
insert into realtime.messages (topic, extension, event, private) values
  ('pgflow:run:10000000-0000-4000-8000-000000000001', 'broadcast', 'run:started', true),
  ('pgflow:run:10000000-0000-4000-8000-000000000001', 'presence', null, true);
-- What many projects have, after the first example of the platform's documentation.
create policy anybody_reads on realtime.messages for select to anon, authenticated using (true);
create policy anybody_writes on realtime.messages for insert to anon, authenticated with check (true);
select set_config('realtime.topic', 'pgflow:run:10000000-0000-4000-8000-000000000001', true);

set local role authenticated;
select set_config('request.jwt.claims', '{"sub": "00000000-0000-4000-8000-00000000000a"}', true);
select is((select count(*) from realtime.messages), 2::bigint, 'the owner reads the topic of the run');
select throws_ok(
  $$ insert into realtime.messages (topic, extension, event)
     values ('pgflow:run:10000000-0000-4000-8000-000000000001', 'broadcast', 'run:completed') $$,
  '42501', null, 'but does not write to it'
);
select lives_ok(
  $$ insert into realtime.messages (topic, extension, event) values ('room', 'broadcast', 'hello') $$,
  'other topics are not our business'
);
select set_config('request.jwt.claims', '{"sub": "00000000-0000-4000-8000-00000000000b"}', true);
select results_eq(
  'select topic from realtime.messages', $$ values ('room') $$, 'another user reads nothing of the run'
);
select set_config('request.jwt.claims', '', true);
select set_config('realtime.topic', 'room', true);
select is((select count(*) from realtime.messages), 1::bigint, 'nor does a user without a name');
set local role anon;
select set_config('realtime.topic', 'pgflow:run:10000000-0000-4000-8000-000000000001', true);
select is((select count(*) from realtime.messages), 1::bigint, 'nor anon');

reset role;
drop policy anybody_reads on realtime.messages;
set local role authenticated;
select set_config('request.jwt.claims', '{"sub": "00000000-0000-4000-8000-00000000000a"}', true);
select results_eq(
  'select extension from realtime.messages where topic <> ''room''', $$ values ('broadcast') $$,
  'without such policies the owner reads the events'
);
select set_config('request.jwt.claims', '{"sub": "auth0|1"}', true);
select is_empty(
  'select * from realtime.messages', 'whoever is named by another service reads nothing, without an error'
);
select set_config('request.jwt.claims', '{"sub": "00000000-0000-4000-8000-00000000000a"}', true);
select set_config('realtime.topic', 'pgflow:run:nonsense', true);
select is_empty('select * from realtime.messages', 'a topic that names no run is nobody''s');
set local role service_role;
select is((select count(*) from realtime.messages), 3::bigint, 'the service role reads everything');

select finish();
rollback;
