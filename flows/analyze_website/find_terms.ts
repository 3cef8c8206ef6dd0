/** A word and how often it stands in a text. */
export interface Term {
  /** The word, in small letters. */
  term: string;
  /** How often it occurs. */
  count: number;
}

/** Words of every English text, which tell nothing about one. */
const stopWords = new Set(
  `a about above after again against all also am an and another any are aren't around as at back be
  because been before being below between both but by can can't cannot could couldn't did didn't do
  does doesn't doing don't done down during each either else even ever every few first for from
  further get gets give given go goes going got had hadn't has hasn't have haven't having he he's her
  here here's hers herself him himself his how how's however i i'd i'll i'm i've if in instead into
  is isn't it it's its itself just keep last least less let let's like made make makes many may me
  might mine more most much must my myself need never new next no nobody none nor not nothing now of
  off often old on once one ones only or other others our ours ourselves out over own per put quite
  rather same say says see seem seems she she's should shouldn't since so some somebody someone
  something still such take than that that's the their theirs them themselves then there there's
  these they they'll they're they've thing things this those though three through thus to together
  too two under until up upon us use used uses using very want was wasn't way we we'll we're we've
  well were weren't what what's when when's where where's whether which while who who's whole whom
  whose why will with within without won't would wouldn't yes yet you you'd you'll you're you've
  your yours yourself yourselves`.split(/\s+/),
);

/**
 * Returns the words that occur most often of those that tell something, at most ten; a plural in -s
 * counts for its singular.
 */
export function findTerms(words: readonly string[]): Term[] {
  const counts = new Map<string, number>();
  for (const word of words) {
    if (word.length < 3 || stopWords.has(word) || /^[\d-]+$/.test(word)) continue;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  for (const [term, count] of counts) {
    const singular = term.slice(0, -1);
    if (!term.endsWith("s") || !counts.has(singular)) continue;
    counts.set(singular, counts.get(singular)! + count);
    counts.delete(term);
  }
  return [...counts]
    .map(([term, count]) => ({ term, count }))
    .sort((a, b) => b.count - a.count || b.term.length - a.term.length)
    .slice(0, 10);
}
