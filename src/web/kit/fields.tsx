import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

/**
 * Fields with a label that is always seen and always bound to its field. The kit's own put the label where readers of the
 * screen lose it.
 */
interface FieldProps {
  label: string;
  hint?: string;
  children: (ids: { id: string; describedBy: string | undefined }) => ComponentChildren;
}

export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  const hintId = `${id}-hint`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, describedBy: hint === undefined ? undefined : hintId })}
      {hint !== undefined && <small id={hintId}>{hint}</small>}
    </div>
  );
}

interface TextFieldProps {
  label: string;
  hint?: string;
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "search" | "number" | "date" | "month";
  lines?: number;
  maxLength?: number;
  required?: boolean;
  min?: number;
  max?: number;
  step?: number | "any";
}

export function TextField({ label, hint, value, onChange, type = "text", lines, ...rest }: TextFieldProps) {
  const onInput = (event: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) =>
    onChange(event.currentTarget.value);
  return (
    <Field label={label} {...(hint === undefined ? {} : { hint })}>
      {({ id, describedBy }) =>
        lines === undefined ? (
          <input
            id={id}
            aria-describedby={describedBy}
            value={value}
            onInput={onInput}
            {...({ type, ...rest } as object)}
          />
        ) : (
          <textarea
            id={id}
            aria-describedby={describedBy}
            rows={lines}
            value={value}
            onInput={onInput}
            {...(rest.maxLength === undefined ? {} : { maxLength: rest.maxLength })}
            required={rest.required ?? false}
          />
        )
      }
    </Field>
  );
}

interface ChoiceFieldProps<Value extends string> {
  label: string;
  value: Value;
  choices: readonly (readonly [value: Value, text: string])[];
  onChange: (value: Value) => void;
}

export function ChoiceField<Value extends string>({ label, value, choices, onChange }: ChoiceFieldProps<Value>) {
  return (
    <Field label={label}>
      {({ id }) => (
        <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value as Value)}>
          {choices.map(([choice, text]) => (
            <option key={choice} value={choice}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
