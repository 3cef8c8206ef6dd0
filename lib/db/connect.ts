import postgres from "postgres";
import { arrayTypes } from "./arrays.ts";
import { parseDatabaseUrl } from "./database_url.ts";
import { Db } from "./db.ts";
import { type CreateClient, Lane } from "./lane.ts";

/** How to connect; everything has a default. */
export interface ConnectOptions {
  /**
   * How many connections may be open at once; with one, everything waits for a wait to end.
   * @default {2}
   */
  max?: number;
  /**
   * Seconds after which an unused connection is closed.
   * @default {10}
   */
  idleTimeout?: number;
  /**
   * Seconds after which an attempt to connect fails.
   * @default {10}
   */
  connectTimeout?: number;
  /**
   * The name that pg_stat_activity shows.
   * @default {"pgflow"}
   */
  applicationName?: string;
  /**
   * Whether statements are prepared, which is what makes pipelining possible; a transaction-mode
   * pooler cannot.
   * @default {true, unless the URL's port is 6543}
   */
  prepare?: boolean;
}

/** Returns the database at `url`; connections are opened when they are needed. */
export function connect(url: string, options: ConnectOptions = {}): Db {
  const { max = 2, idleTimeout = 10, connectTimeout = 10, applicationName = "pgflow" } = options;
  if (!Number.isSafeInteger(max) || max < 1) {
    throw new RangeError(`Cannot use option max "${max}": it is not a positive integer`);
  }
  const target = parseDatabaseUrl(url);
  const createClient: CreateClient = (open) => {
    const driverOptions = {
      max: 1,
      connect_timeout: connectTimeout,
      prepare: options.prepare ?? target.prepare,
      connection: { application_name: applicationName },
      types: arrayTypes,
      // Asking for the types would cost a round trip for each connection.
      fetch_types: false,
      // How long to wait before connecting again is the caller's to decide.
      backoff: false,
      onnotice: () => {},
      // Not in the driver's types.
      socket: ({ host, port }: { host: string[]; port: number[] }) => open(host[0]!, port[0]!),
    };
    return postgres(target.url, driverOptions);
  };
  return new Db(Array.from({ length: max }, () => new Lane(createClient, idleTimeout)));
}
