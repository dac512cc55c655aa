/** All scenarios, by primitive. */

import type { Scenario } from '../scenario.ts';
import { lock } from './lock.ts';

export const scenarios: readonly Scenario[] = [...lock];
