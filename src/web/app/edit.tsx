import { useEffect, useState } from "preact/hooks";
import { Waiting } from "../kit/states.tsx";
import { EARLIER, EditHistory } from "./edit-history.tsx";
import { EditStart } from "./edit-start.tsx";
import { beginTalk, chainOf, chooseBase, reviveTalk, talk } from "./edit-talk.ts";
import { EditTalk } from "./edit-talk-view.tsx";
import { leaveTurn, reviveTurn } from "./edit-turn.ts";
import { useMe } from "./entry.ts";
import { EditIcon } from "./icons.tsx";
import { goInstead } from "./navigation.ts";
import type { Screen } from "./screen.ts";
import { shellWords } from "./words-shell.ts";

export const editScreen: Screen = {
  section: "edit",
  title: () => shellWords("edit"),
  found: "tab",
  icon: EditIcon,
  draw: (id) => (id === EARLIER ? <EditHistory /> : <Edit pictureId={id} />),
};

/** Editing by talking: something to change, then a conversation about it. */
function Edit({ pictureId }: { pictureId: string | null }) {
  const { id: personId } = useMe();
  useState(() => {
    reviveTalk(personId);
    reviveTurn(personId);
  });
  const now = talk.use();
  useEffect(() => {
    if (pictureId === null) return;
    beginWith(personId, pictureId);
    // From here on the address says no more than that something is being edited, so that a reload goes on with it.
    goInstead("edit");
  }, [pictureId]);
  if (pictureId !== null) return <Waiting />;
  return now === null ? <EditStart personId={personId} /> : <EditTalk now={now} />;
}

/** A picture of the open conversation is gone on from there; any other begins a conversation of its own. */
function beginWith(personId: string, id: string): void {
  const now = talk.read();
  const base = { kind: "picture", id } as const;
  if (now !== null && chainOf(now).some((link) => link.id === id)) {
    chooseBase(base);
    return;
  }
  leaveTurn();
  beginTalk(personId, base);
}
