-- delete_flow_and_data: forget a flow, its runs and its queue; for development only.
create or replace function pgflow.delete_flow_and_data(flow_slug text)
  returns void
  language plpgsql
  set search_path = ''
as $$
#variable_conflict use_column
begin
  delete from pgflow.step_tasks t where t.flow_slug = delete_flow_and_data.flow_slug;
  delete from pgflow.step_states s where s.flow_slug = delete_flow_and_data.flow_slug;
  delete from pgflow.runs r where r.flow_slug = delete_flow_and_data.flow_slug;
  delete from pgflow.flows f where f.flow_slug = delete_flow_and_data.flow_slug;

  if found then
    perform pgmq.drop_queue(delete_flow_and_data.flow_slug);
  end if;
end;
$$;

comment on function pgflow.delete_flow_and_data(text) is
  'Forgets a flow, its runs and its queue, for good; for development only.';
