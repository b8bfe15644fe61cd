/**
 * How many tokens the two texts of a pair keep: the longer one loses tokens until both fit, as with `longest_first` of Hugging Face's
 * tokenizers. Of an odd room the longer text gets one more, or the second where both are equal or fill `length`.
 *
 * @param room the tokens of both that fit
 * @param length the tokens of an input, with the special tokens around a pair
 */
export function pairLengths(first: number, second: number, room: number, length: number): [number, number] {
  if (first + second <= room) return [first, second];
  const short = Math.min(first, second, Math.floor(room / 2));
  return first > second && second < length ? [room - short, short] : [short, room - short];
}
