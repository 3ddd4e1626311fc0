/** The types of the API. `schema.ts` holds most of them: it is generated from the API's description. */

export type {
  Attempt,
  Bucket,
  CauseCount,
  ConfigVersion,
  Delivery,
  DeliveryState,
  DeliverySummary,
  DryRunComparison,
  DryRunDifference,
  DryRunReport,
  Event as LoggedEvent,
  EventPage,
  EventVolume,
  Fault,
  Json,
  JsonObject,
  MuteWindow,
  Notification,
  Rule,
  RuleTrace,
  Searched,
  Session,
  Severity,
  SignInHelp,
  Silence,
  SilencePreview,
  Suppression,
  TopValues,
  Trace,
  Transport,
  TransportSummary,
  TransportTest,
  ValueCount,
} from "./schema";

/** One page of a list. `next` is the cursor of the next page, or `null` on the last one. */
export interface List<T> {
  results: T[];
  next: string | null;
}
