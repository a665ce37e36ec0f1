/** What a provider may answer instead of doing what it was asked, by the call. `lost` means: done, but its answer never came. */
export const FAULTS = {
  "kie.create": [
    "unavailable",
    "rate_limited",
    "unknown",
    "lost",
    "out_of_funds",
    "unauthorized",
    "moderated",
    "rejected",
    "input_unreachable",
  ],
  /** How the next task that is made will end. */
  "kie.task": ["transient", "moderated", "refused", "input_unreachable", "never", "vanished", "no_picture", "slow"],
  "kie.read": ["unavailable", "rate_limited", "lagging"],
  "kie.upload": ["unavailable"],
  "kie.result": ["unavailable", "rejected"],
  "kie.credits": ["unavailable", "none_left"],
  "shop.create": [
    "unavailable",
    "rate_limited",
    "unknown",
    "lost",
    "rejected",
    "unauthorized",
    "storing_refused",
    "other_amount",
  ],
  "shop.read": ["unavailable", "unauthorized"],
  "shop.refund": ["unavailable", "unknown", "lost", "rejected", "unauthorized", "pending"],
  "shop.list": ["unavailable", "unauthorized"],
  "assistant.complete": ["unavailable", "rate_limited", "nonsense", "empty", "moderated"],
  "telegram.send": ["blocked", "too_many_requests", "unavailable", "unknown", "lost"],
  "tax.register": ["unavailable", "unknown", "lost", "rejected"],
  "tax.find": ["unavailable"],
  "tax.annul": ["unavailable"],
  "storage.put": ["away"],
  "storage.read": ["away"],
  "storage.delete": ["away"],
} as const;

export type FaultPlace = keyof typeof FAULTS;
export type Fault<Place extends FaultPlace> = (typeof FAULTS)[Place][number];
export const FAULT_PLACES = Object.keys(FAULTS) as FaultPlace[];

/** Faults that wait for the next call of their kind; each happens once, in the order in which they were armed. */
export class Faults {
  private readonly armed = new Map<FaultPlace, string[]>();

  arm(place: FaultPlace, fault: string): void {
    this.armed.set(place, [...(this.armed.get(place) ?? []), fault]);
  }

  take<Place extends FaultPlace>(place: Place): Fault<Place> | null {
    return (this.armed.get(place)?.shift() as Fault<Place> | undefined) ?? null;
  }

  /** From now on everything works. */
  clear(): void {
    this.armed.clear();
  }
}
