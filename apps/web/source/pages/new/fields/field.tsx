import { Button } from '../../../components/button.tsx';
import { Icon } from '../../../components/icon.tsx';
import { type Path, pointerOf, valueAt } from '../edit.ts';
import { useForm } from '../form-context.ts';
import {
  branchOf,
  choicesOf,
  defaultText,
  discriminator,
  helpText,
  isObject,
  resolved,
  type Schema,
  words,
} from '../schema.ts';
import { freeValue, listText, listValue, numberValue, pairsText, pairsValue, textOf } from '../values.ts';
import { type FieldProps, Labelled } from './labelled.tsx';
import { TextInput } from './text-input.tsx';

// Objects and lists hold fields and fields can be objects and lists, so that the components of this file need each other.

/** The control for a value of any schema of a spec. */
export function Field(props: FieldProps) {
  const { schemas } = useForm();
  const schema = resolved(props.schema, schemas);
  const { path } = props;
  const own = { ...props, schema };
  const choices = choicesOf(schema);
  if (choices !== undefined) return <Choice {...own} options={choices} />;
  if (schema.type === 'boolean') return <Choice {...own} options={[true, false]} />;
  if (schema.oneOf !== undefined && discriminator(schema) !== undefined) return <UnionFields {...own} />;
  if (schema.type === 'object' && schema.properties !== undefined) return <ObjectFields {...own} titled />;
  if (schema.type === 'object')
    return <TextInput {...own} read={pairsValue} write={pairsText} hint="key=value, key=value" />;
  const kinds = schema.items && resolved(schema.items, schemas);
  if (kinds?.oneOf !== undefined && discriminator(kinds) === 'type')
    return (
      <div class="full">
        <Labelled path={path} schema={schema} boxed={false}>
          {(control) => (
            <div {...control}>
              <KindList
                path={path}
                schema={kinds}
                what={`to the ${words(String(path.at(-1))).toLowerCase()}`}
              />
            </div>
          )}
        </Labelled>
      </div>
    );
  if (schema.type === 'array') return <TextInput {...own} read={listValue} write={listText} />;
  if (schema.type === 'number' || schema.type === 'integer') {
    return <TextInput {...own} read={numberValue} write={textOf} numeric />;
  }
  if (schema.type === 'string')
    return <TextInput {...own} read={(text) => text || undefined} write={textOf} />;
  return <TextInput {...own} read={freeValue} write={textOf} hint={alternatives(schema)} />;
}

/** What a field that takes several kinds of values accepts, in a few words. */
function alternatives({ anyOf = [] }: Schema): string {
  const kinds = anyOf.map((one) => {
    if (one.const !== undefined) return textOf(one.const);
    if (one.oneOf !== undefined)
      return 'a schedule such as {"schedule":"linear","from":1,"to":0,"epochs":10}';
    if (one.type === 'object') return `{${Object.keys(one.properties ?? {}).join(', ')}}`;
    return one.type === 'array' ? 'a list as JSON' : `a ${String(one.type)}`;
  });
  return [...new Set(kinds)]
    .join(', or ')
    .replaceAll('a integer', 'a whole number')
    .replaceAll('a string', 'text')
    .replaceAll('a null', 'null');
}

function Choice({ options, ...props }: FieldProps & { options: readonly unknown[] }) {
  const { spec, set } = useForm();
  const { path, schema, required } = props;
  const value = valueAt(spec, path);
  const standard = defaultText(schema);
  const word = (option: unknown) => (option === true ? 'yes' : option === false ? 'no' : String(option));
  const text = standard === 'true' ? 'yes' : standard === 'false' ? 'no' : standard;
  return (
    <Labelled {...props}>
      {(control) => (
        <select
          {...control}
          value={value === undefined ? '' : textOf(value)}
          onChange={({ currentTarget }) =>
            set(
              path,
              currentTarget.value === ''
                ? undefined
                : options[currentTarget.selectedIndex - (required ? 0 : 1)],
            )
          }
        >
          {!required && <option value="">{text === undefined ? '–' : `${words(text)} (default)`}</option>}
          {options.map((option) => (
            <option key={String(option)} value={textOf(option)}>
              {word(option)}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  );
}

/** Options that people set most; the others wait behind "More settings" until they are set. */
const usual = new Set([
  'architecture',
  'batchSize',
  'depth',
  'epochs',
  'learningRate',
  'milestones',
  'momentum',
  'name',
  'optimizer',
  'path',
  'schedule',
  'temperature',
  'testCount',
  'trainCount',
  'trainLimit',
  'type',
  'weight',
  'width',
]);
const few = 4;

interface ObjectFieldsProps extends FieldProps {
  /** Whether the group has a title of its own. */
  titled?: boolean;
  /** Shows every property at once. */
  all?: boolean;
  /** Properties that are shown elsewhere. */
  without?: readonly string[];
}

/** The fields of an object, in rows. */
export function ObjectFields({
  path,
  schema,
  label,
  titled = false,
  all = false,
  without = [],
}: ObjectFieldsProps) {
  const { spec, errors, schemas } = useForm();
  const value = valueAt(spec, path);
  const entries = Object.entries(schema.properties ?? {}).filter(
    ([name, one]) => !without.includes(name) && resolved(one, schemas).const === undefined,
  );
  const shown = ([name]: [string, unknown]) =>
    all ||
    entries.length <= few ||
    usual.has(name) ||
    schema.required?.includes(name) === true ||
    (isObject(value) && value[name] !== undefined);
  const first = entries.filter(shown);
  const rest = entries.filter((entry) => !shown(entry));
  const fields = (list: typeof entries) =>
    list.map(([name, one]) => (
      <Field key={name} path={[...path, name]} schema={one} required={schema.required?.includes(name)} />
    ));
  const wrong = rest.some(([name]) => holdsError(errors, [...path, name]));
  const content = (
    <>
      {fields(first)}
      {rest.length > 0 && (
        <details class="full" open={wrong}>
          <summary class="small two">More settings ({rest.length})</summary>
          <div class="fs">{fields(rest)}</div>
        </details>
      )}
    </>
  );
  if (!titled) return content;
  // Rarely set as a whole: folded until something in it is.
  const open = isObject(value) || holdsError(errors, path);
  return (
    <details class="full group" open={open}>
      <summary class="l" title={helpText(schema)}>
        {label ?? words(String(path.at(-1)))}
      </summary>
      <div class="fs">{content}</div>
    </details>
  );
}

/** Whether something at a place, or below it, is wrong. */
function holdsError(errors: ReadonlyMap<string, unknown>, path: Path): boolean {
  const pointer = pointerOf(path);
  return [...errors.keys()].some((one) => one === pointer || one.startsWith(`${pointer}/`));
}

/** A choice among kinds, such as architectures, and the options of the chosen one. Options that both kinds have are kept. */
function UnionFields({ path, schema, label, required }: FieldProps) {
  const { spec, schemas, set } = useForm();
  const key = discriminator(schema) as string;
  const value = valueAt(spec, path);
  const branches = schema.oneOf ?? [];
  const chosen = isObject(value) ? value[key] : undefined;
  const branch = resolved(branchOf(schema, key, value), schemas);
  const standard = /"(\w+)"\}?$/.exec(defaultText(schema) ?? '')?.[1];
  const kind = branch.properties?.[key];
  const described: Schema = { description: chosen === undefined ? schema.description : kind?.description };
  return (
    <>
      <Labelled path={path} schema={described} label={label ?? words(String(path.at(-1)))}>
        {(control) => (
          <select
            {...control}
            value={typeof chosen === 'string' ? chosen : ''}
            onChange={({ currentTarget }) => set(path, switched(value, key, currentTarget.value, schema))}
          >
            {(!required || chosen === undefined) && (
              <option value="">
                {standard !== undefined ? `${standard} (default)` : required ? 'Choose…' : '–'}
              </option>
            )}
            {branches.map((one) => {
              const name = String(one.properties?.[key]?.const);
              return (
                <option key={name} value={name}>
                  {name}
                </option>
              );
            })}
          </select>
        )}
      </Labelled>
      {chosen !== undefined && <ObjectFields path={path} schema={branch} without={[key]} />}
    </>
  );
}

interface KindListProps {
  path: Path;
  /** The choice among kinds that an entry is. */
  schema: Schema;
  /** What the button says after "Add", as in `a term`. */
  what: string;
  /** The number of entries that stay; default 0. */
  atLeast?: number;
}

/** A list of kinds with their options, such as the terms of a method. */
export function KindList({ path, schema, what, atLeast = 0 }: KindListProps) {
  const { spec, set } = useForm();
  const value = valueAt(spec, path);
  const entries = Array.isArray(value) ? (value as unknown[]) : [];
  return (
    <>
      {entries.map((entry, index) => (
        <Entry
          key={index}
          path={[...path, index]}
          schema={branchOf(schema, 'type', entry)}
          removable={entries.length > atLeast}
        />
      ))}
      <label class="btn add-term">
        <Icon name="plus" />
        <span>Add {what}</span>
        <select
          aria-label={`Add ${what}`}
          value=""
          onChange={({ currentTarget }) => {
            set([...path, entries.length], { type: currentTarget.value });
            currentTarget.value = '';
          }}
        >
          <option value="" disabled>
            Add {what}
          </option>
          {(schema.oneOf ?? []).map(({ properties }) => (
            <option key={String(properties?.type.const)} value={String(properties?.type.const)}>
              {String(properties?.type.const)}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}

function Entry({ path, schema, removable }: { path: Path; schema: Schema; removable: boolean }) {
  const { set } = useForm();
  const { const: name, description } = schema.properties?.type ?? {};
  return (
    <div class="term" role="group" aria-label={String(name)}>
      <div class="bar">
        <b class="mono">{String(name)}</b>
        <span class="small muted wide term-about">{description}</span>
        <Button
          kind="quiet"
          small
          class="push"
          icon="close"
          label={`Remove ${String(name)}`}
          disabled={!removable}
          onClick={() => set(path, undefined)}
        />
      </div>
      <div class="fs">
        <ObjectFields path={path} schema={schema} without={['type']} />
      </div>
    </div>
  );
}

/** The value as another kind: options that the new kind has too are kept. */
function switched(value: unknown, key: string, name: string, schema: Schema): unknown {
  if (name === '') return undefined;
  const { properties = {} } = branchOf(schema, key, { [key]: name });
  const kept = Object.entries(isObject(value) ? value : {}).filter(
    ([one]) => one !== key && one in properties,
  );
  return { [key]: name, ...Object.fromEntries(kept) };
}
