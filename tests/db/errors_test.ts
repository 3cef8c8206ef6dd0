import { assertEquals, assertInstanceOf } from "@std/assert";
import { fromDriver, isConnectionLost, isMisconfigured, isPassing } from "../../lib/db/mod.ts";
import { PgflowError } from "../../lib/errors.ts";

function coded(code: string): Error {
  return Object.assign(new Error("no"), { code });
}

Deno.test("errors are told apart by what the caller can do", () => {
  const kind = (error: unknown) =>
    [
      isConnectionLost(error) ? "lost" : "",
      isPassing(error) ? "passing" : "",
      isMisconfigured(error) ? "misconfigured" : "",
    ].filter((word) => word !== "").join(" ");
  const codes = [
    ...["ECONNREFUSED", "CONNECTION_CLOSED", "CONNECT_TIMEOUT", "08006", "57P01"],
    ...["53300", "57014", "25006", "40P01", "XX000"],
    ...["42883", "3F000", "28P01", "3D000"],
    ...["22P05", "23514", "54000", "P0001", "PF001", ""],
  ];
  assertEquals(Object.fromEntries(codes.map((code) => [code, kind(coded(code))])), {
    ECONNREFUSED: "lost passing",
    CONNECTION_CLOSED: "lost passing",
    CONNECT_TIMEOUT: "lost passing",
    "08006": "lost passing",
    "57P01": "lost passing",
    "53300": "passing",
    "57014": "passing",
    "25006": "passing",
    "40P01": "passing",
    XX000: "passing",
    "42883": "misconfigured",
    "3F000": "misconfigured",
    "28P01": "misconfigured",
    "3D000": "misconfigured",
    "22P05": "",
    "23514": "",
    "54000": "",
    P0001: "",
    PF001: "",
    "": "",
  });
});

Deno.test("fromDriver() makes PgflowErrors of pgflow's own SQLSTATEs and leaves others alone", () => {
  const raised = Object.assign(new Error('Cannot start flow "x": it does not exist'), {
    code: "PF001",
    hint: "Create it",
  });
  const error = fromDriver(raised);
  assertInstanceOf(error, PgflowError);
  assertEquals(
    { message: error.message, code: error.code, hint: error.hint, cause: error.cause },
    { message: raised.message, code: "PF001", hint: "Create it", cause: raised },
  );
  const other = coded("22P05");
  assertEquals(fromDriver(other), other);
});
