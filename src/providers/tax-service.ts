/** A sale as a tax service registers it. */
export interface TaxSale {
  /** Our order. It stands in the name of the service, so that a receipt whose answer was lost is found again. */
  orderId: string;
  /** What was sold, in words for the buyer. */
  service: string;
  grossKopecks: number;
  /** When the buyer paid; a receipt carries it to the second. */
  paidAt: Date;
}

/** A receipt that the service has. */
export interface TaxReceipt {
  number: string;
  isAnnulled: boolean;
}

export type AnnulReason = "refund" | "mistake";

/**
 * Where sales are registered for the tax. All calls throw `ProviderFailure`. After `unknown` the sale may be registered: it
 * is looked up and never sent again blindly, because a second receipt is a second tax. Every other kind says that it is not.
 */
export interface TaxService {
  readonly name: string;
  /** Whether its receipts are true ones; then sales in which no money moved must not get there. */
  readonly isReal: boolean;
  /** Tells one login from another, without telling anything of it. */
  fingerprint(): string;
  /** Registers the sale and returns the receipt's number. The service does not notice that it was asked twice. */
  register(sale: TaxSale): Promise<string>;
  /** The receipts of this very sale. `sentAt` is when it was sent. An empty answer may become a full one a while later. */
  find(sale: TaxSale, sentAt: Date): Promise<TaxReceipt[]>;
  annul(number: string, reason: AnnulReason): Promise<void>;
  /** Null when the service knows no such receipt. */
  read(number: string): Promise<TaxReceipt | null>;
  /** The receipt as its buyer may see it, without a login. */
  receiptUrl(number: string): string;
  /** Whether the login works; resolves if so. */
  check(): Promise<void>;
}
