/** Returns a text as a browser shows it: without space around it, and one space inside. */
export function singleSpaced(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
