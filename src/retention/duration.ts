/** A length of calendar time as the configuration writes it (`14d`, `1y6m`, `36h`). */
export interface Duration {
  readonly years: number;
  /** Calendar months. */
  readonly months: number;
  readonly weeks: number;
  /** Calendar days in the configured zone, which are not always 24 hours. */
  readonly days: number;
  readonly hours: number;
  /** As it was written; reasons quote it. */
  readonly text: string;
}
