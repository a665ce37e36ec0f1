import { Button } from "@telegram-apps/telegram-ui";
import { copyText } from "./clipboard.ts";
import { enter, type Receipt } from "./entry.ts";
import { dayAndTime } from "./format.ts";
import { toast } from "./toast.tsx";
import { settingsWords } from "./words-settings.ts";

/** What is left of somebody who has been erased: the receipt, on this screen only. */
export function Erased({ receipt }: { receipt: Receipt | null }) {
  if (receipt === null) {
    return (
      <>
        <h1>{settingsWords("erased_unsure_title")}</h1>
        <p>{settingsWords("erased_unsure")}</p>
        <Button size="l" stretched mode="bezeled" onClick={enter}>
          {settingsWords("come_in")}
        </Button>
      </>
    );
  }
  const lines = linesOf(receipt);
  const copy = async () => {
    const text = lines.map(([name, value]) => `${name}: ${value}`).join("\n");
    const isCopied = await copyText(text);
    toast(settingsWords(isCopied ? "receipt_copied" : "receipt_uncopied"), isCopied ? "quiet" : "bad");
  };
  return (
    <>
      <h1>{settingsWords("erased_title")}</h1>
      <p>{settingsWords("erased_text")}</p>
      <dl class="receipt">
        {lines.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Button size="l" stretched onClick={copy}>
        {settingsWords("receipt_copy")}
      </Button>
      <Button size="l" stretched mode="plain" onClick={enter}>
        {settingsWords("begin_anew")}
      </Button>
    </>
  );
}

function linesOf(receipt: Receipt): [name: string, value: string][] {
  return [
    [settingsWords("receipt"), receipt.receipt_id],
    [settingsWords("receipt_at"), dayAndTime(receipt.erased_at)],
    [settingsWords("receipt_files"), String(receipt.files)],
    [settingsWords("receipt_rows"), String(sumOf(receipt.deleted))],
    [settingsWords("receipt_stay"), String(sumOf(receipt.anonymised))],
    [settingsWords("receipt_credits"), String(receipt.credits_forfeited)],
    ...(receipt.subscription_ended
      ? [[settingsWords("receipt_subscription"), settingsWords("receipt_ended")] as [string, string]]
      : []),
  ];
}

const sumOf = (rows: Readonly<Record<string, number>>): number =>
  Object.values(rows).reduce((sum, count) => sum + count, 0);
