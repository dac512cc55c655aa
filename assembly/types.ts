/** Names for the numbers of abi.ts in signatures. */

/** `STATUS_…` */
export type Status = i32;
/** `STATE_…` */
export type State = i32;
/** `KIND_…` */
export type Kind = i32;
