/**
 * How many tokens the two texts of a pair keep: the longer one loses tokens until both fit, as with `longest_first` of Hugging Face's
 * tokenizers. Of an odd room the longer text gets one more, or the second where both are equal, or each is longer than the room.
 *
 * @param room the tokens that fit
 */
export function pairLengths(first: number, second: number, room: number): [number, number] {
  if (first + second <= room) return [first, second];
  const short = Math.min(first, second, Math.floor(room / 2));
  return first > second && second <= room ? [room - short, short] : [short, room - short];
}
