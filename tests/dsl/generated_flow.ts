/**
 * Writes and type-checks flows of many steps. As a program it prints how long that takes:
 * `deno run -A tests/dsl/generated_flow.ts [steps …]`.
 *
 * @module
 */

const root = new URL("../../", import.meta.url);

/**
 * Returns a module with a flow in which every step depends on the three before it; every fifth is
 * an approval, every seventh a subflow, and every other one of the rest has options.
 */
export function generateFlow(steps: number): string {
  const lines = [
    `import { Flow, type FlowOutput, type } from ${
      JSON.stringify(new URL("lib/dsl/mod.ts", root).href)
    };`,
    "interface Input { name: string; tags?: string[] }",
    "interface Result { text: string; numbers: number[] }",
    'const Child = new Flow<Input>({ slug: "child" })',
    '  .step("text", ({ run }) => run.name).step("numbers", () => [1]);',
    'export const Big = new Flow<Input>({ slug: "big" })',
  ];
  for (let index = 0; index < steps; index++) {
    const dependencies = [1, 2, 3].map((back) => index - back).filter((step) => step >= 0)
      .map((step) => `step_${step}`);
    const rest = `"step_${index}", ${JSON.stringify(dependencies)}`;
    if (index % 5 === 3) {
      lines.push(`  .approval(${rest}, { output: type<Result>() })`);
      continue;
    }
    if (index % 7 === 6) {
      lines.push(`  .subflow(${rest}, Child, ({ run, ${dependencies[0]} }) => ({`);
      lines.push(`    name: run.name + ${dependencies[0]}.text,`, "  }))");
      continue;
    }
    lines.push(
      `  .step(${rest},`,
      `    async ({ ${["run", ...dependencies].join(", ")} }, context) => ({`,
      `      text: run.name + context.runId${
        dependencies.map((name) => ` + ${name}.text`).join("")
      },`,
      `      numbers: [${
        ["1", ...dependencies.map((name) => `${name}.numbers.length`)].join(", ")
      }],`,
      index % 2 === 1
        ? `    }), { timeout: 5, runUnless: { ${
          dependencies[0]
        }: { text: "" } }, whenUnmet: "fail" })`
        : `    }))`,
    );
  }
  const last = `step_${steps - 1}`;
  lines.push(
    ";",
    "export async function check(output: FlowOutput<typeof Big>) {",
    `  const text: string = output.${last}.text;`,
    `  // @ts-expect-error The output is not any.`,
    `  const wrong: number = output.${last}.text;`,
    "  await Promise.resolve([text, wrong]);",
    "}",
  );
  return lines.join("\n");
}

/** Type-checks a module as it stands in a file outside the tree, and returns what Deno says. */
export async function typeCheck(
  source: string,
): Promise<{ ok: boolean; said: string; ms: number }> {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/generated.ts`;
    await Deno.writeTextFile(file, source);
    const started = performance.now();
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "check",
        "--quiet",
        "--no-lock",
        "--config",
        new URL("deno.json", root).pathname,
        file,
      ],
      env: { NO_COLOR: "1" },
      stdout: "null",
      stderr: "piped",
    }).output();
    const ms = performance.now() - started;
    return { ok: success, said: new TextDecoder().decode(stderr), ms };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const sizes = Deno.args.length > 0 ? Deno.args.map(Number) : [1, 50, 100, 200];
  console.log(`Deno ${Deno.version.deno}, TypeScript ${Deno.version.typescript}`);
  for (const steps of sizes) {
    const { ok, said, ms } = await typeCheck(generateFlow(steps));
    console.log(`${String(steps).padStart(5)} steps: ${(ms / 1000).toFixed(1)} s`);
    if (!ok) throw new Error(said);
  }
}
