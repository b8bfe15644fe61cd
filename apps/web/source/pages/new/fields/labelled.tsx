import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { Icon } from '../../../components/icon.tsx';
import { type Path, pointerOf } from '../edit.ts';
import { errorText } from '../errors.ts';
import { useForm } from '../form-context.ts';
import { helpText, rangeText, type Schema, words } from '../schema.ts';

export interface FieldProps {
  path: Path;
  schema: Schema;
  /** Default: the name of the option as words. */
  label?: string | undefined;
  required?: boolean | undefined;
}

/** What a control gets so that readers of the screen hear its help and its error. */
interface ControlAttributes {
  id: string;
  'aria-describedby': string;
  'aria-invalid': boolean | undefined;
}

interface LabelledProps extends FieldProps {
  /** A box around the control, with the border of a field; default true. */
  boxed?: boolean;
  children: (control: ControlAttributes) => ComponentChildren;
}

/** A label, a control, what it means while it has the focus, and what is wrong with it. */
export function Labelled({ path, schema, label, boxed = true, children }: LabelledProps) {
  const { errors } = useForm();
  const id = useId();
  const pointer = pointerOf(path);
  const error = errors.get(pointer);
  const help = [helpText(schema), rangeText(schema)].filter(Boolean).join(' · ');
  const control = children({
    id,
    'aria-describedby': `${id}-help`,
    'aria-invalid': error === undefined ? undefined : true,
  });
  return (
    <div class="f" data-pointer={pointer}>
      <label class="l" for={id}>
        {label ?? words(String(path.at(-1)))}
      </label>
      {boxed ? <div class={error ? 'field bad' : 'field'}>{control}</div> : control}
      <div id={`${id}-help`}>
        {error && (
          <span class="err small">
            <Icon name="warning" />
            {errorText(error, schema)}
          </span>
        )}
        {help !== '' && <span class="help small">{help}</span>}
      </div>
    </div>
  );
}
