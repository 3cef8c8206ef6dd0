import { flowWorker } from "pgflow/worker";
import { PublishArticle } from "../../flows/publish_article.ts";

Deno.serve(flowWorker(PublishArticle));
