import type { Answer } from '../../results/answer.ts';

/** The sentence that a finished job opens with. */
export function AnswerLine({ answer }: { answer: Answer }) {
  return (
    <p class="answer">
      {answer.pieces.map(({ text, strong }, index) => (strong ? <b key={index}>{text}</b> : text))}
    </p>
  );
}
