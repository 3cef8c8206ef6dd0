import { assertEquals } from "@std/assert";
import { errorCodes } from "../../lib/errors.ts";
import { buildMigration, migrationPath } from "../../lib/local/migration.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, root));
const schemaFiles = Array.from(Deno.readDirSync(new URL("supabase/schemas/", root)))
  .map(({ name }) => `supabase/schemas/${name}`)
  .sort();
const files = [...schemaFiles, "supabase/seed.sql"];

Deno.test("the migration is the schema files, joined", async () => {
  assertEquals(read(migrationPath), await buildMigration());
});

Deno.test("the migration makes nothing for tests", () => {
  assertEquals(/pgflow_tests|pgtap/.test(read(migrationPath)), false);
});

Deno.test("the error codes of 00_schema.sql are those of lib/errors.ts", () => {
  const inSql = read("supabase/schemas/00_schema.sql")
    .matchAll(/^-- {3}(PF0\d\d) {2}(.+)$/gm)
    .map(([, code, meaning]) => [code, meaning]);
  const inTypeScript = Object.entries(errorCodes).filter(([code]) => code.startsWith("PF0"));

  assertEquals([...inSql], inTypeScript);
});

Deno.test("every error code that SQL raises stands in the table", () => {
  const raised = new Set(schemaFiles.flatMap((file) => read(file).match(/'PF\d{3}'/g) ?? []));

  const unknown = [...raised].filter((code) => !(code.slice(1, -1) in errorCodes));
  assertEquals(unknown, []);
});

Deno.test("SQL files have no tabs, no line over 100 columns and no keywords in capitals", () => {
  const complaints = files.flatMap((file) =>
    read(file).split("\n").flatMap((line, index) =>
      complaintsOf(line).map((complaint) => `${file}:${index + 1} ${complaint}`)
    )
  );

  assertEquals(complaints, []);
});

Deno.test("SQL files start by saying what they are", () => {
  assertEquals(files.filter((file) => !/^-- \w/.test(read(file))), []);
});

function complaintsOf(line: string): string[] {
  // The sentence of a "comment on" stays in one piece.
  const isSentence = /^(comment on .* is )?  ?'.*';$|^comment on .*;$/.test(line);
  return [
    ...line.includes("\t") ? ["has a tab"] : [],
    ...line.length > 100 && !isSentence ? [`has ${line.length} columns`] : [],
    ...line.trimEnd() !== line ? ["ends with a space"] : [],
    ...upperCaseKeywords(line).map((word) => `has ${word} in capitals`),
  ];
}

/** The words of a line in capitals that SQL would read as keywords; comments and texts may shout. */
function upperCaseKeywords(line: string): string[] {
  const code = line.replace(/--.*$/, "").replace(/'[^']*'?/g, "");
  const keywords = "select|insert|update|delete|from|where|and|or|not|null|create|table|function|" +
    "begin|end|if|then|else|case|when|returns|return|as|is|in|on|join|left|with|values|set|order|" +
    "by|group|having|limit|exists|language|default|constraint|primary|foreign|key|references|check";
  return code.match(new RegExp(`\\b(?:${keywords.toUpperCase()})\\b`, "g")) ?? [];
}
