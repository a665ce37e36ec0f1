import { Button } from "@telegram-apps/telegram-ui";
import type { Order } from "./edit-order.ts";
import type { Variant } from "./edit-talk.ts";
import { PriceTag } from "./price-tag.tsx";
import { editWords } from "./words-edit.ts";

interface VariantsProps {
  variants: readonly Variant[];
  /** Those of an earlier answer are folded away; they can still be made. */
  isOpen: boolean;
  order: Order;
}

/** The three ways that the assistant has worked out. */
export function Variants({ variants, isOpen, order }: VariantsProps) {
  const cards = (
    <ul class="variants">
      {variants.map((variant) => (
        <li key={variant.id} class="variant">
          <h3>{variant.title}</h3>
          <p class="unseen">{editWords("changes")}</p>
          <ul class="variant-changes">
            {variant.changes.map((change) => (
              <li key={change}>{change}</li>
            ))}
          </ul>
          <MakeButton variant={variant} order={order} />
        </li>
      ))}
    </ul>
  );
  if (isOpen) {
    return (
      <section aria-label={editWords("variants")}>
        <p class="edit-price">
          {editWords("picture_price")} <PriceTag action="edit_generation" />
        </p>
        {cards}
      </section>
    );
  }
  return (
    <details>
      <summary>{editWords("variants_before")}</summary>
      {cards}
    </details>
  );
}

function MakeButton({ variant: { id, title }, order }: { variant: Variant; order: Order }) {
  const isThis = order.wish !== null && "variant_id" in order.wish && order.wish.variant_id === id;
  return (
    <Button
      type="button"
      size="m"
      stretched
      mode="bezeled"
      loading={order.isBusy && isThis}
      disabled={order.isBusy}
      aria-label={`${editWords("make")}: ${title}`}
      onClick={() => order.make({ variant_id: id })}
    >
      {editWords("make")}
    </Button>
  );
}
