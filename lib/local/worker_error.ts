const answers = {
  BOOT_ERROR: [503, "Worker failed to boot (please check logs)"],
  WORKER_LIMIT: [
    546,
    "Worker failed due to not having enough compute resources (please check logs)",
  ],
  WORKER_ERROR: [500, "Function exited due to an error (please check logs)"],
  IDLE_TIMEOUT: [504, "Function did not answer in time (please check logs)"],
  NOT_FOUND: [404, "Requested function was not found"],
} as const;

/** Why the platform answers in place of a function. */
export type WorkerErrorCode = keyof typeof answers;

/** Answers in place of a function that cannot, as the platform would. */
export function workerError(code: WorkerErrorCode): Response {
  const [status, message] = answers[code];
  return Response.json({ code, message }, { status });
}
