import { randomStream } from '@distillery/engine/random';

/** Words that the texts of each class contain more often than the others. */
const topics: Record<string, string[]> = {
  sea: 'wave harbour sail tide gull anchor salt shore'.split(' '),
  kitchen: 'flour oven butter spoon kettle pepper dough bowl'.split(' '),
  forest: 'moss oak fern owl trunk mushroom pine trail'.split(' '),
};
const common = 'the a of and near old small two then was we had with slowly'.split(' ');

/**
 * Creates labelled texts as a CSV file. In each text a few words indicate the class among many that do not, and some of
 * them indicate another class. Texts depend on the seed; the classes take turns.
 */
export function syntheticTexts(count: number, seed = 0): string {
  const classes = Object.keys(topics);
  const lines = ['text,label'];
  for (let index = 0; index < count; index++) {
    const stream = randomStream(seed, 'texts', index);
    const label = classes[index % classes.length];
    const words = Array.from({ length: 6 + stream.below(14) }, () => {
      const choice = stream.below(9);
      if (choice > 2) return common[stream.below(common.length)];
      const of = choice === 0 ? classes[stream.below(classes.length)] : label;
      return topics[of][stream.below(topics[of].length)];
    });
    // At least one word indicates the class; the comma requires quotes.
    words.splice(stream.below(words.length), 0, topics[label][stream.below(topics[label].length)]);
    lines.push(`"${words.slice(0, 4).join(' ')}, ${words.slice(4).join(' ')}.",${label}`);
  }
  return `${lines.join('\n')}\n`;
}
