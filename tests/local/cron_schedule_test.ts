import { assertEquals } from "@std/assert";
import { isDue } from "../../lib/local/cron_schedule.ts";

const at = (text: string) => new Date(`2026-11-${text}Z`);

Deno.test("isDue() counts seconds from the last start", () => {
  const due = ["05.999", "06.000", "59.000"].map((second) =>
    isDue("5 seconds", at(`22T10:00:${second}`), at("22T10:00:01.000"))
  );

  assertEquals(due, [false, true, true]);
});

Deno.test("isDue() is true once in a minute that the fields name", () => {
  const schedule = "30 10 * * *";

  assertEquals(isDue(schedule, at("22T10:30:00.100"), at("22T10:29:59.900")), true);
  assertEquals(isDue(schedule, at("22T10:30:00.200"), at("22T10:30:00.100")), false);
  assertEquals(isDue(schedule, at("22T10:31:00.000"), at("22T10:30:00.100")), false);
});

// 2026-11-22 is a Sunday.
for (
  const [schedule, expected] of Object.entries({
    "* * * * *": ["22T00:00", "22T10:07", "23T10:30"],
    "*/15 * * * *": ["22T00:00", "23T10:30"],
    "5-10,30 * * * *": ["22T10:07", "23T10:30"],
    "1-30/29 10 * * *": ["23T10:30"],
    "7/23 10 * * *": ["22T10:07", "23T10:30"],
    "* * 23 11 *": ["23T10:30"],
    "* * * 12 *": [],
    "* * * * 0": ["22T00:00", "22T10:07"],
    "* * * * 7": ["22T00:00", "22T10:07"],
    "* 10 23 * 0": ["22T10:07", "23T10:30"],
    "0 0 */3 * 0": ["22T00:00"],
  })
) {
  Deno.test(`isDue() reads the five fields "${schedule}"`, () => {
    const due = ["22T00:00", "22T10:07", "23T10:30"].filter((time) =>
      isDue(schedule, at(`${time}:00`), at("01T00:00:00"))
    );

    assertEquals(due, expected);
  });
}
