import { flowWorker } from "pgflow/worker";
import { AnalyzeWebsite } from "../../flows/analyze_website.ts";

Deno.serve(flowWorker(AnalyzeWebsite));
