/** A line that an edge function wrote. */
export interface FunctionLog {
  /** The function's name. */
  name: string;
  stream: "stdout" | "stderr";
  text: string;
}
