import type { Json } from "./json.ts";

/** Returns whether jsonb's `value @> pattern` holds, for a pattern that is an object. */
export function contains(value: Json, pattern: Json): boolean {
  if (Array.isArray(pattern)) {
    return Array.isArray(value) &&
      pattern.every((part) => value.some((element) => contains(element, part)));
  }
  if (pattern === null || typeof pattern !== "object") return value === pattern;
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  return Object.entries(pattern).every(([key, part]) =>
    Object.hasOwn(value, key) && contains(value[key]!, part)
  );
}
