export default {
  fetch: () => new Response("from fetch"),
};
