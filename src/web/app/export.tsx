import { Button } from "@telegram-apps/telegram-ui";
import { useEffect, useRef, useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { useAction } from "../kit/loading.ts";
import { launchData } from "../kit/telegram.ts";
import { fetchFile, fileSize, giveFile } from "./files.ts";
import { DownloadIcon } from "./icons.tsx";
import { Notice } from "./notice.tsx";
import { settingsWords } from "./words-settings.ts";

const PATH = "/api/v1/profile/export";
const FILE_NAME = "atelier-export.zip";

/** All that is stored about the person, as a file. */
export function Export() {
  const [bytes, setBytes] = useState<number | null>(null);
  const [file, setFile] = useState<File | null>(null);
  const stopper = useRef(new AbortController());
  useEffect(() => () => stopper.current.abort(), []);
  const load = useAction(async () => {
    stopper.current = new AbortController();
    const { signal } = stopper.current;
    setFile(null);
    setBytes(0);
    try {
      const done = await fetchFile(PATH, FILE_NAME, {
        // Any call of the client renews a token that has run out.
        renew: () => answerOf(api.profile.get()),
        onBytes: setBytes,
        signal,
      });
      if (done === null) return;
      setFile(done);
      // Telegram's windows give a file away by a tap only.
      if (launchData() === null) await giveFile(done);
    } finally {
      setBytes(null);
    }
  });
  return (
    <div class="settings-export">
      <p class="quiet">{settingsWords("export_hint")}</p>
      {load.failure && <Notice failure={load.failure} />}
      {load.isBusy && (
        <div role="status">
          <p>{settingsWords("export_running")}</p>
          <progress aria-label={settingsWords("export_running")} />
          <p class="quiet">{settingsWords("export_size", { size: fileSize(bytes ?? 0) })}</p>
        </div>
      )}
      {file !== null && <p role="status">{settingsWords("export_ready", { size: fileSize(file.size) })}</p>}
      <div class="notice-buttons">
        {file !== null && (
          <Button type="button" size="m" before={<DownloadIcon />} onClick={() => giveFile(file)}>
            {settingsWords("export_save")}
          </Button>
        )}
        {load.isBusy ? (
          <Button type="button" size="m" mode="gray" onClick={() => stopper.current.abort()}>
            {settingsWords("export_stop")}
          </Button>
        ) : (
          file === null && (
            <Button type="button" size="m" mode="bezeled" before={<DownloadIcon />} onClick={() => load.run()}>
              {settingsWords("export")}
            </Button>
          )
        )}
      </div>
    </div>
  );
}
