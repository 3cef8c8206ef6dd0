/**
 * Returns the project's secret keys that the environment names, the default one first: the values
 * of `SUPABASE_SECRET_KEYS`, a JSON object, and `SUPABASE_SERVICE_ROLE_KEY`.
 */
export function secretKeys(env: Readonly<Record<string, string | undefined>>): string[] {
  const keys = [...namedKeys(env.SUPABASE_SECRET_KEYS), env.SUPABASE_SERVICE_ROLE_KEY];
  return keys.filter((key) => typeof key === "string" && key !== "") as string[];
}

function namedKeys(json: string | undefined): unknown[] {
  try {
    const keys: unknown = JSON.parse(json ?? "{}");
    // The values of a text would be its letters.
    if (typeof keys !== "object" || keys === null) return [];
    const { default: first, ...others } = keys as Record<string, unknown>;
    return [first, ...Object.values(others)];
  } catch {
    return [];
  }
}
