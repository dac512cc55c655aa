/** Rivals outside of this process. */
import { Program } from './program.ts';
import type { Rival } from './rival.ts';

/** How a program is started. */
export interface Command {
  name: string;
  /** The command and its arguments; throws where it cannot be had. */
  words(): string[];
}

export interface Outsider {
  name: string;
  group?: string;
  program: Command;
  task: string;
}

interface Outside {
  rivals: Rival[];
  notes: string[];
  close(): Promise<void>;
}

/** The rivals that this machine has, and notes: their versions, and why the others are left out. */
export async function outside(outsiders: Outsider[]): Promise<Outside> {
  const rivals: Rival[] = [];
  const notes: string[] = [];
  const programs: Program<{ version: string }>[] = [];
  for (const command of new Set(outsiders.map(({ program }) => program))) {
    try {
      const program = await Program.start<{ version: string }>(command.words());
      programs.push(program);
      notes.push(`${command.name}: ${program.greeting.version}`);
      const theirs = outsiders.filter((outsider) => outsider.program === command);
      rivals.push(
        ...theirs.map(({ task, name, group }) => program.rival(task, { name, ...(group && { group }), ours: false })),
      );
    } catch (error) {
      notes.push(`${command.name}: left out, ${(error as Error).message.trimStart().split('\n', 1)[0]}`);
    }
  }
  return {
    rivals,
    notes,
    async close() {
      await Promise.all(programs.map((program) => program.close()));
    },
  };
}
