/**
 * Whom a page of the sandbox signs in. Each tab is one person, so that two tabs can invite each other; `?sandbox=1002` in the
 * address chooses, and `&startapp=ref_...` hands on what an invitation carries.
 */

export interface SandboxPerson {
  id: number;
  name: string;
}

export const SANDBOX_PEOPLE: readonly SandboxPerson[] = [
  { id: 1001, name: "Anna" },
  { id: 1002, name: "Boris" },
  { id: 1003, name: "Vera" },
];

const STORED_AS = "atelier.sandbox-person";
const query = new URLSearchParams(location.search);
const startParam = query.get("startapp") ?? query.get("tgWebAppStartParam");
const asked = idOf(query.get("sandbox"));

/** Who this tab is. */
export function sandboxPersonId(): number {
  return asked ?? idOf(readStored()) ?? 1001;
}

/** Whether the tab was somebody else until now, whose session must not be used. */
export function isAnotherPerson(): boolean {
  return readStored() !== String(sandboxPersonId());
}

export function rememberSandboxPerson(): void {
  try {
    sessionStorage.setItem(STORED_AS, String(sandboxPersonId()));
  } catch {
    // Storage may be forbidden; then the address decides alone.
  }
}

/** The page as somebody else, from its beginning; perhaps behind an invitation. */
export const addressAs = (id: number, start?: string): string =>
  `/?${new URLSearchParams({ sandbox: String(id), ...(start === undefined ? {} : { startapp: start }) })}`;

/** Where the sandbox shows a person's chat with the bot. */
export const chatAddressOf = (id: number): string => `/sandbox/telegram/chat/${id}`;

/** Launch data as Telegram would hand it to this person, signed by the sandbox. Throws where no answer comes. */
export async function sandboxLaunchData(languageCode: string): Promise<string> {
  const id = sandboxPersonId();
  const name = SANDBOX_PEOPLE.find((person) => person.id === id)?.name ?? `Person ${id}`;
  const parameters = new URLSearchParams({ telegram_id: String(id), first_name: name, language_code: languageCode });
  if (startParam !== null) parameters.set("start_param", startParam);
  const answer = await fetch(`/sandbox/init-data?${parameters}`, { cache: "no-store" });
  if (!answer.ok) throw new Error(`the sandbox answered ${answer.status}`);
  return ((await answer.json()) as { init_data: string }).init_data;
}

function readStored(): string | null {
  try {
    return sessionStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}

function idOf(text: string | null): number | null {
  const id = Number(text ?? "");
  return Number.isSafeInteger(id) && id > 0 ? id : null;
}
