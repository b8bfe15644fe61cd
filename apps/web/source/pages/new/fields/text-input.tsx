import { useEffect, useRef, useState } from 'preact/hooks';
import { valueAt } from '../edit.ts';
import { useForm } from '../form-context.ts';
import { defaultText } from '../schema.ts';
import { type FieldProps, Labelled } from './labelled.tsx';

interface TextInputProps extends FieldProps {
  /** The value that a text means; undefined removes it. */
  read: (text: string) => unknown;
  write: (value: unknown) => string;
  numeric?: boolean;
  /** What the field accepts, while it is empty and has no default. */
  hint?: string;
}

/** A line of text. What was typed stays as it is until the value changes elsewhere. */
export function TextInput({ read, write, numeric = false, hint, ...props }: TextInputProps) {
  const { spec, set } = useForm();
  const { path, schema } = props;
  const value = valueAt(spec, path);
  const written = write(value);
  const [text, setText] = useState(written);
  const own = useRef(written);
  useEffect(() => {
    if (written !== own.current) setText(written);
    own.current = written;
  }, [written]);
  return (
    <Labelled
      {...props}
      schema={hint ? { ...schema, description: `${schema.description ?? ''} Takes ${hint}.` } : schema}
    >
      {(control) => (
        <input
          {...control}
          type="text"
          inputMode={numeric ? 'decimal' : undefined}
          autocomplete="off"
          spellcheck={false}
          value={text}
          placeholder={defaultText(schema)}
          onInput={({ currentTarget }) => {
            const next = read(currentTarget.value);
            own.current = write(next);
            setText(currentTarget.value);
            set(path, next);
          }}
        />
      )}
    </Labelled>
  );
}
