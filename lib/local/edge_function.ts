/** An edge function as the functions host knows it. */
export interface EdgeFunction {
  /** Its name in the URL. */
  name: string;
  /** The path of the module that serves it. */
  entrypoint: string;
  /**
   * Whether the gateway refuses requests without a valid token or key.
   * @default {false}
   */
  verifyJwt?: boolean;
  /**
   * Environment variables of this function alone.
   * @default {{}}
   */
  env?: Record<string, string>;
}
