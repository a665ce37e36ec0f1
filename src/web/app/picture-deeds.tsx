import { Button } from "@telegram-apps/telegram-ui";
import type { ComponentChildren } from "preact";
import { answerOf, api } from "../kit/api.ts";
import type { Action } from "./balance.ts";
import type { Generation } from "./generation-store.ts";
import { feel } from "./haptics.ts";
import { AgainIcon, DownloadIcon, EditIcon, SendIcon } from "./icons.tsx";
import { type Intention, useIntention } from "./intention.ts";
import { IntentionNotice } from "./intention-notice.tsx";
import { savePicture } from "./links.ts";
import { goTo } from "./navigation.ts";
import { PriceTag } from "./price-tag.tsx";
import { hasScreen } from "./screen.ts";
import { toast } from "./toast.tsx";
import { pictureWords } from "./words-pictures.ts";

/** What a generation of this kind costs. */
const ACTION_OF: Readonly<Record<Generation["type"], Action>> = { fitting: "fitting", editing: "edit_generation" };

interface PictureDeedsProps {
  generation: Generation;
  /** The same order once more; whoever hands it in says what becomes of it. */
  again: Intention;
  againText: string;
  /** Whether sending it is the first thing to do here; beside a main button of the page nothing else stands out. */
  isSendFirst?: boolean;
  /** What else can be done with it in this place. */
  children?: ComponentChildren;
}

/** What can be done with a picture, wherever it is shown: send, save and change it where it is there, and order it again. */
export function PictureDeeds({ generation, again, againText, isSendFirst = false, children }: PictureDeedsProps) {
  const { id, type, status, image_url: image } = generation;
  return (
    <div class="deeds">
      {status === "succeeded" && image !== undefined && (
        <>
          <SendToChat id={id} isFirst={isSendFirst} />
          <Button
            size="l"
            stretched
            mode="bezeled"
            before={<DownloadIcon />}
            onClick={() => savePicture(image, `atelier-${id}.jpg`)}
          >
            {pictureWords("download")}
          </Button>
          {hasScreen("edit") && (
            <Button size="l" stretched mode="bezeled" before={<EditIcon />} onClick={() => goTo("edit", id)}>
              {pictureWords("edit_this")}
            </Button>
          )}
        </>
      )}
      <Button
        size="l"
        stretched
        mode="bezeled"
        before={<AgainIcon />}
        loading={again.isBusy}
        onClick={() => again.run()}
      >
        {againText} <PriceTag action={ACTION_OF[type]} />
      </Button>
      {children}
    </div>
  );
}

function SendToChat({ id, isFirst }: { id: string; isFirst: boolean }) {
  const send = useIntention(async (key) => {
    await answerOf(api.generations({ id }).send.post(undefined, { headers: { "idempotency-key": key } }));
    feel("success");
    toast(pictureWords("sent"));
  });
  return (
    <>
      <IntentionNotice of={send} />
      <Button
        size="l"
        stretched
        mode={isFirst ? "filled" : "bezeled"}
        before={<SendIcon />}
        loading={send.isBusy}
        onClick={() => send.run()}
      >
        {pictureWords("send")}
      </Button>
    </>
  );
}
