/** Longer messages than this are cut; they are stored with every attempt. */
const MAX_LENGTH = 8000;

/** Returns what is stored about something a handler threw, an Error or not. */
export function failureMessage(thrown: unknown): string {
  const text = thrown instanceof Error ? messageOf(thrown) : `Handler threw ${describe(thrown)}`;
  const cut = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}… (cut)` : text;
  // Postgres stores neither of these.
  return cut.replaceAll("\0", "\uFFFD").toWellFormed();
}

function messageOf(error: Error): string {
  const { name, message } = error;
  if (message === "") return name;
  return name === "Error" || name.startsWith("Pgflow") ? message : `${name}: ${message}`;
}

function describe(thrown: unknown): string {
  try {
    const json = JSON.stringify(thrown);
    if (json !== undefined) return json;
  } catch {
    // Circular, or a bigint.
  }
  try {
    return String(thrown);
  } catch {
    return "something that has no text";
  }
}
