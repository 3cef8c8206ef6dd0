/** What PostgREST says about a request it cannot answer. */
export interface RestErrorBody {
  code: string;
  message: string;
  details?: string | null;
  hint?: string | null;
}

/** An error that is answered as PostgREST would. */
export class RestError extends Error {
  readonly status: number;
  readonly body: RestErrorBody;

  constructor(status: number, body: RestErrorBody) {
    super(body.message);
    this.status = status;
    this.body = body;
  }

  /** Returns the answer. */
  toResponse(): Response {
    const { code, message, details = null, hint = null } = this.body;
    return Response.json({ code, details, hint, message }, {
      status: this.status,
      headers: this.status === 401 ? { "www-authenticate": "Bearer" } : {},
    });
  }
}
