import { Button } from "@telegram-apps/telegram-ui";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { download } from "../kit/api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { TextField } from "../kit/fields.tsx";
import { moment } from "../kit/format.ts";
import { useAction } from "../kit/loading.ts";
import { addressOf } from "../kit/route.ts";
import { Failure } from "../kit/states.tsx";
import { renewSession } from "./entry.ts";
import { words } from "./words.ts";

/** Reasons stand in the audit trail; the server wants as many letters. */
export const REASON_LENGTH_MIN = 3;
export const REASON_LENGTH_MAX = 500;

export const isReason = (text: string): boolean => text.trim().length >= REASON_LENGTH_MIN;

/** The top of a section: its name, and what can be done there. */
export function Head({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="head">
      <h1>{title}</h1>
      {children && <div class="buttons">{children}</div>}
    </div>
  );
}

/** Names and values below each other; what is null is left out. */
export function Facts({ rows }: { rows: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  const known = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return (
    <dl class="facts">
      {known.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

/** Numbers that are seen at a glance. */
export function Tiles({ tiles }: { tiles: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="tiles">
      {tiles.map(([name, value]) => (
        <div class="tile" key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export type Tone = "good" | "bad" | "warn" | "quiet";

export function Mark({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`mark mark-${tone}`}>{children}</span>;
}

export const When = ({ at }: { at: string | null }) => (at === null ? null : <time dateTime={at}>{moment(at)}</time>);

interface PersonName {
  id: string;
  telegram_id: number | null;
  name: string;
  username: string | null;
}

/** Somebody's name, as text whatever they call themselves, leading to their card. */
export function PersonLink({ person }: { person: PersonName | null }) {
  if (person === null) return <span>—</span>;
  return <a href={addressOf("people", person.id)}>{nameOf(person)}</a>;
}

export function nameOf(person: PersonName): string {
  if (person.telegram_id === null) return words("erased");
  return person.name.trim() || (person.username ? `@${person.username}` : String(person.telegram_id));
}

interface ReasonDialogProps {
  title: string;
  confirm: string;
  isDangerous?: boolean;
  children?: ComponentChildren;
  act: (reason: string) => Promise<unknown>;
  onDone: () => void;
  onClose: () => void;
}

/** For changes that need nothing but a reason. */
export function ReasonDialog({ title, confirm, isDangerous, children, act, onDone, onClose }: ReasonDialogProps) {
  const [reason, setReason] = useState("");
  const action = useAction(async () => {
    await act(reason.trim());
  });
  return (
    <Dialog
      title={title}
      confirm={confirm}
      isDangerous={isDangerous ?? false}
      isReady={isReason(reason)}
      action={action}
      onDone={onDone}
      onClose={onClose}
    >
      {children}
      <ReasonField value={reason} onChange={setReason} />
    </Dialog>
  );
}

export function ReasonField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <TextField
      label={words("reason")}
      hint={words("reason_hint")}
      value={value}
      onChange={onChange}
      lines={2}
      maxLength={REASON_LENGTH_MAX}
      required
    />
  );
}

/** Saves an export. What went wrong stands beside the button. */
export function DownloadButton({ path, fileName }: { path: string; fileName: string }) {
  const action = useAction(() => download(path, fileName, renewSession));
  return (
    <>
      <Button size="s" mode="bezeled" loading={action.isBusy} onClick={() => action.run()}>
        {words("csv")}
      </Button>
      {action.failure && <Failure failure={action.failure} />}
    </>
  );
}

/** A path with the parts of a query that say something. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const said = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return said.length === 0 ? path : `${path}?${new URLSearchParams(said)}`;
}
