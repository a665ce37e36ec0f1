import { Button } from "@telegram-apps/telegram-ui";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { inSandbox } from "./entry.ts";
import { AddPhotoIcon, CameraIcon, PicturesIcon } from "./icons.tsx";
import { Notice } from "./notice.tsx";
import type { PhotoSlot } from "./photo.ts";
import { Samples } from "./samples.tsx";
import { partWords } from "./words-parts.ts";

/** What the server takes; iOS turns its own format into one of these by itself. */
const ACCEPTED = "image/jpeg,image/png,image/webp";
const HAS_CAMERA = matchMedia("(pointer: coarse)").matches;

interface PhotoChooserProps {
  photo: PhotoSlot;
  label: string;
  hint?: string;
  /** Which side the phone's camera looks to: at the person, or at a thing before them. */
  camera?: "user" | "environment";
  /** Whether a picture that is pasted anywhere on the page is meant for this one. */
  takesPasted?: boolean;
}

/** Chooses a photo: by camera, from the gallery, by dropping or pasting; shows it at once and sends it meanwhile. */
export function PhotoChooser({ photo, label, hint, camera = "user", takesPasted = true }: PhotoChooserProps) {
  const [isOver, setOver] = useState(false);
  usePaste(takesPasted && photo.state === "empty", photo.choose);
  const take = (files: FileList | null | undefined) => {
    const file = files?.[0];
    if (file) photo.choose(file);
  };
  return (
    <section
      class={`chooser ${isOver ? "chooser-over" : ""}`}
      aria-label={label}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer?.files);
      }}
    >
      <h2>{label}</h2>
      {photo.state === "empty" ? (
        <Empty photo={photo} label={label} hint={hint} camera={camera} take={take} />
      ) : (
        <Chosen photo={photo} label={label} take={take} />
      )}
      {inSandbox.use() && photo.state === "empty" && <Samples photo={photo} />}
    </section>
  );
}

type Take = (files: FileList | null | undefined) => void;

interface EmptyProps {
  photo: PhotoSlot;
  label: string;
  hint: string | undefined;
  camera: "user" | "environment";
  take: Take;
}

function Empty({ label, hint, camera, take }: EmptyProps) {
  return (
    <div class="chooser-empty">
      {hint !== undefined && <p class="chooser-hint">{hint}</p>}
      <div class="chooser-buttons">
        <FileButton
          label={`${label}: ${partWords("choose_photo")}`}
          text={partWords("choose_photo")}
          take={take}
          icon={<AddPhotoIcon />}
          isFirst
        />
        {HAS_CAMERA && (
          <FileButton
            label={`${label}: ${partWords("take_photo")}`}
            text={partWords("take_photo")}
            take={take}
            icon={<CameraIcon />}
            capture={camera}
          />
        )}
      </div>
      {!HAS_CAMERA && <p class="chooser-hint">{partWords("drop_here")}</p>}
    </div>
  );
}

interface FileButtonProps {
  label: string;
  text: string;
  take: Take;
  icon?: ComponentChildren;
  capture?: "user" | "environment";
  isFirst?: boolean;
}

/** The browser's own field for files, with a button's face. */
function FileButton({ label, text, take, icon, capture, isFirst = false }: FileButtonProps) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={field}
        class="unseen"
        type="file"
        accept={ACCEPTED}
        tabIndex={-1}
        aria-label={label}
        {...(capture ? { capture } : {})}
        onChange={(event) => {
          take(event.currentTarget.files);
          // The same file may be chosen again.
          event.currentTarget.value = "";
        }}
      />
      <Button
        type="button"
        size="m"
        mode={isFirst ? "filled" : "bezeled"}
        before={icon}
        onClick={() => field.current?.click()}
      >
        {text}
      </Button>
    </>
  );
}

function Chosen({ photo, label, take }: { photo: PhotoSlot; label: string; take: Take }) {
  const isOnItsWay = photo.state === "preparing" || photo.state === "uploading" || photo.state === "waiting";
  const percent = Math.round(photo.progress * 100);
  // A link that has run out since a reload; the photo itself is still there.
  const [unseen, setUnseen] = useState<string | null>(null);
  return (
    <div class="chooser-chosen">
      {photo.preview !== null && photo.preview !== unseen && photo.fault !== "photo_unreadable" ? (
        <img
          class={`chooser-preview ${isOnItsWay ? "chooser-pale" : ""}`}
          src={photo.preview}
          alt={label}
          onError={() => photo.state === "ready" && setUnseen(photo.preview)}
        />
      ) : (
        photo.state === "ready" && (
          <span class="chooser-preview chooser-unseen">
            <PicturesIcon />
          </span>
        )
      )}
      <div class="chooser-state" aria-live="polite">
        {photo.state === "preparing" && <p>{partWords("preparing")}</p>}
        {photo.state === "waiting" && <p>{partWords("upload_waits")}</p>}
        {photo.state === "uploading" && (
          <>
            <p>{partWords("uploading")}</p>
            <progress max={100} value={percent} aria-label={partWords("uploading")} />
          </>
        )}
        {photo.state === "failed" && <Refused photo={photo} />}
        <div class="chooser-buttons">
          {isOnItsWay ? (
            <Button type="button" size="m" mode="gray" onClick={photo.clear}>
              {partWords("cancel_upload")}
            </Button>
          ) : (
            <>
              <FileButton
                label={`${label}: ${partWords("another_photo")}`}
                text={partWords("another_photo")}
                take={take}
              />
              <Button type="button" size="m" mode="gray" onClick={photo.clear}>
                {partWords("remove_photo")}
              </Button>
            </>
          )}
        </div>
      </div>
    </div>
  );
}

function Refused({ photo }: { photo: PhotoSlot }) {
  if (photo.fault !== null) {
    return (
      <div class="failure" role="alert">
        <strong>{partWords("upload_failed")}</strong>
        <p>{partWords(photo.fault)}</p>
      </div>
    );
  }
  return photo.failure && <Notice failure={photo.failure} again={photo.again} />;
}

/** A picture from the clipboard, wherever on the page it is pasted. */
function usePaste(isTaken: boolean, choose: (file: File) => void): void {
  const latest = useRef(choose);
  latest.current = choose;
  useEffect(() => {
    if (!isTaken) return;
    const take = (event: ClipboardEvent) => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
      // One picture goes to one place: the first chooser that is still empty.
      if (!file || event.defaultPrevented) return;
      event.preventDefault();
      latest.current(file);
    };
    addEventListener("paste", take);
    return () => removeEventListener("paste", take);
  }, [isTaken]);
}
