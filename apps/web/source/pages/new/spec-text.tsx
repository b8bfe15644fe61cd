import { useEffect, useRef, useState } from 'preact/hooks';
import { isObject } from './schema.ts';

interface SpecTextProps {
  format: 'json' | 'yaml';
  spec: Record<string, unknown>;
  onSpec: (spec: Record<string, unknown>) => void;
}

interface Codec {
  read: (text: string) => unknown;
  write: (value: unknown) => string;
}

const json: Codec = {
  read: (text) => JSON.parse(text) as unknown,
  write: (value) => JSON.stringify(value, undefined, 2),
};

/** The parser of YAML is larger than the page, and loaded when it is asked for. JSON is YAML, too. */
async function codecOf(format: 'json' | 'yaml'): Promise<Codec> {
  if (format === 'json') return json;
  const { parse, stringify } = await import('yaml');
  return { read: (text) => parse(text) as unknown, write: (value) => stringify(value) };
}

/** The spec as text, to write or to paste. What cannot be read changes nothing, and says why. */
export function SpecText({ format, spec, onSpec }: SpecTextProps) {
  const [codec, setCodec] = useState<Codec>();
  const [text, setText] = useState('');
  const [error, setError] = useState<string>();
  const own = useRef<unknown>(undefined);
  useEffect(() => {
    let current = true;
    void codecOf(format).then((loaded) => {
      if (!current) return;
      setCodec(loaded);
      setText(loaded.write(spec));
      setError(undefined);
    });
    return () => {
      current = false;
    };
  }, [format]);
  useEffect(() => {
    // Another spec was chosen above; what was typed here is known already.
    if (codec !== undefined && spec !== own.current) setText(codec.write(spec));
  }, [spec]);
  return (
    <section class="card">
      <div class="body code-body">
        <label class="l" for="spec-text">
          The spec as {format.toUpperCase()}
        </label>
        <textarea
          id="spec-text"
          class="code"
          spellcheck={false}
          rows={Math.max(18, text.split('\n').length + 1)}
          value={text}
          aria-invalid={error !== undefined}
          aria-describedby="spec-text-error"
          onInput={({ currentTarget }) => {
            setText(currentTarget.value);
            try {
              const value = codec?.read(currentTarget.value);
              if (!isObject(value)) throw new Error('A spec is an object.');
              own.current = value;
              setError(undefined);
              onSpec(value);
            } catch (thrown) {
              setError((thrown as Error).message);
            }
          }}
        />
        <p id="spec-text-error" class="bad-text small" role="status">
          {error}
        </p>
      </div>
    </section>
  );
}
