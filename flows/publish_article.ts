import { Flow, type } from "pgflow/dsl";

const HOUR = 3600;

/** An article before it is published. */
export interface Article {
  title: string;
  text: string;
}

/** What an editor says about an article. */
export interface Review {
  approved: boolean;
  editor: string;
}

/**
 * Publishes an article if an editor says yes within three days, and announces it a little later.
 *
 * Every user may start a run, and whoever has the role "editor" may answer, as the page in `app/`
 * does. On a server the editor reads the draft as the input of the approval, and answers by
 * `select pgflow.complete_step('<run id>', 'review', '{"approved": true, "editor": "Ada"}')`.
 */
export const PublishArticle = new Flow({
  slug: "publish_article",
  input: type<Article>(),
  startableBy: ["authenticated"],
})
  .step("draft", ({ run }) => ({
    path: `/articles/${run.title.toLowerCase().match(/[a-z0-9]+/g)?.join("-") ?? "untitled"}`,
    teaser: run.text.slice(0, 80),
  }))
  .approval("review", ["draft"], {
    output: type<Review>(),
    assignee: "role:editor",
    timeout: 72 * HOUR,
    // No answer is a no.
    whenExhausted: "skip-cascade",
  })
  .step("published", ["draft", "review"], ({ draft, review }) => ({
    path: draft.path,
    editor: review.editor,
  }), { runIf: { review: { approved: true } } })
  // Readers find the last mistakes before everybody looks.
  .step("announcement", ["draft", "published"], ({ run, draft, published }) => {
    return `${run.title}: ${draft.teaser} (${published.path})`;
  }, { startDelay: 5 });
