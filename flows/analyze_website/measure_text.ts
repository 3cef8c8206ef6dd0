import { measureSentiment, type Sentiment } from "./measure_sentiment.ts";
import { findTerms, type Term } from "./find_terms.ts";

/** What can be counted in a text. */
export interface TextMeasures {
  /** How many words it has. */
  words: number;
  /** How long it takes to read, in minutes. */
  minutes: number;
  /** The words that tell most about it. */
  terms: Term[];
  /** Whether its words are friendly or hostile. */
  sentiment: Sentiment;
}

/** How many words a reader takes in per minute, on average. */
const WORDS_PER_MINUTE = 230;

/** Returns the measures of an English text. */
export function measureText(text: string): TextMeasures {
  const words =
    text.replaceAll("’", "'").toLowerCase().match(/[\p{L}\p{N}]+(?:['-][\p{L}\p{N}]+)*/gu) ??
      [];
  return {
    words: words.length,
    minutes: Math.ceil(words.length / WORDS_PER_MINUTE),
    terms: findTerms(words),
    sentiment: measureSentiment(words),
  };
}
