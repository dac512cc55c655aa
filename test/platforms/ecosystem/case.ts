import type { ServerName } from './servers.ts';

/** What is tried of a tool: a program that ends with code 0 when lockwork works there. */
export interface Case {
  /** As the table calls it, a variant in brackets: `Jest (ESM)`. */
  readonly tool: string;
  /** Whose version the table shows: one of package.json, or a runtime; or `node` for what comes with Node. */
  readonly package: string;
  /** What a user must write beside the tool's defaults, as Markdown; '–' for nothing. */
  readonly needed: string;
  /** What Node is called with, in the folder of the group. */
  readonly args: readonly string[];
  /** The least major version of Node that takes the tool, or the program; 20 by default. */
  readonly since?: number;
  /** How long it may take (ms); a minute by default. */
  readonly bound?: number;
  /** A server of its own that it talks to. */
  readonly server?: ServerName;
}
