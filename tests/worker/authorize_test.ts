import { assertEquals } from "@std/assert";
import { authorize } from "../../lib/worker/authorize.ts";

const env = {
  SUPABASE_SECRET_KEYS: JSON.stringify({ default: "sb_secret_one", automation: "sb_secret_two" }),
  SUPABASE_SERVICE_ROLE_KEY: "eyJhbGciOi.legacy.token",
};

function request(headers: Record<string, string>, url = "https://x.functions.supabase.co/greet") {
  return new Request(url, { method: "POST", headers });
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

const accepted: Record<string, Record<string, string>> = {
  "a secret key as apikey": { apikey: "sb_secret_one" },
  "one of another name": { apikey: "sb_secret_two" },
  "a secret key as bearer token": bearer("sb_secret_two"),
  "the service role key as bearer token": bearer("eyJhbGciOi.legacy.token"),
  "the service role key as apikey": { apikey: "eyJhbGciOi.legacy.token" },
  "a bearer token in other letters": { authorization: "bearer  sb_secret_one" },
  "a key beside a user's token": { apikey: "sb_secret_one", ...bearer("eyJ.users.token") },
  "a key beside a public one": { apikey: "sb_publishable_x", ...bearer("sb_secret_one") },
};

for (const [what, headers] of Object.entries(accepted)) {
  Deno.test(`authorize() accepts ${what}`, async () => {
    assertEquals(await authorize(request(headers), env), true);
  });
}

const refused: Record<string, Record<string, string>> = {
  "nothing": {},
  "an empty key": { apikey: "" },
  "an empty bearer token": { authorization: "Bearer " },
  "a publishable key": { apikey: "sb_publishable_x", ...bearer("sb_publishable_x") },
  "the beginning of a key": { apikey: "sb_secret_on" },
  "a key and more": { apikey: "sb_secret_oneX" },
  "a key in capitals": { apikey: "SB_SECRET_ONE" },
  "the name of a key": { apikey: "default" },
  "all keys at once": { apikey: env.SUPABASE_SECRET_KEYS },
  "a key in two halves": { apikey: "sb_secret", ...bearer("_one") },
  "a key without its scheme": { authorization: "sb_secret_one" },
  "another scheme": { authorization: `Basic ${btoa("sb_secret_one:")}` },
  "a token of another signature": bearer("eyJhbGciOi.legacy.other"),
  "a token's parts": bearer("eyJhbGciOi"),
  "a key in another header": { "x-api-key": "sb_secret_one", cookie: "apikey=sb_secret_one" },
  "headers of a proxy": { "x-forwarded-for": "127.0.0.1", forwarded: "for=127.0.0.1" },
};

for (const [what, headers] of Object.entries(refused)) {
  Deno.test(`authorize() refuses ${what}`, async () => {
    assertEquals(await authorize(request(headers), env), false);
  });
}

Deno.test("authorize() asks for a key whatever the host is", async () => {
  const hosts = [
    "localhost:54321",
    "127.0.0.1",
    "[::1]:8000",
    "0.0.0.0",
    "kong:8000",
    "host.docker.internal",
    "api.supabase.internal:8000",
  ];
  const urls = hosts.map((host) => `http://${host}/greet?apikey=sb_secret_one`);

  const answers = await Promise.all(urls.map((url) => authorize(request({}, url), env)));

  assertEquals(answers, hosts.map(() => false));
});

const settings: Record<string, [keys: string | undefined, apikey: string, expected?: boolean]> = {
  "there are none": [undefined, ""],
  "they are not JSON": ["sb_secret_one", "sb_secret_one"],
  "they are a text, not its letters": ['"sb_secret_one"', "s"],
  "they are null": ["null", "null"],
  "they are a number": ["1", "1"],
  "they are empty": ['{"default": ""}', ""],
  "they are no texts": ['{"default": {"key": "sb_secret_one"}, "a": 1, "b": null}', "1"],
  "they are a list": ['["sb_secret_one"]', "sb_secret_one", true],
  "one of them is a text": ['{"a": 1, "b": "sb_secret_one"}', "sb_secret_one", true],
};

for (const [what, [keys, apikey, expected]] of Object.entries(settings)) {
  Deno.test(`authorize() takes SUPABASE_SECRET_KEYS for what they are when ${what}`, async () => {
    const env = { SUPABASE_SECRET_KEYS: keys };
    assertEquals(await authorize(request({ apikey }), env), expected);
  });
}

Deno.test("authorize() does as much for a right key as for a wrong one", async () => {
  const digest = crypto.subtle.digest;
  const digests = async (headers: Record<string, string>) => {
    let count = 0;
    crypto.subtle.digest = (...args) => (count++, digest.apply(crypto.subtle, args));
    try {
      await authorize(request(headers), env);
    } finally {
      crypto.subtle.digest = digest;
    }
    return count;
  };

  const counts = [
    await digests({ apikey: "sb_secret_one" }),
    await digests(bearer("sb_secret_two")),
    await digests({ apikey: "sb_secret_onf" }),
    await digests({}),
  ];

  assertEquals(counts, [5, 5, 5, 5]);
});
