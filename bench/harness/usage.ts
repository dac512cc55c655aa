/** What the command line of `npm run <command>` says, as `options` reads it; a wrong one ends the program with what is right. */
export function usage<T>(command: string, help: string, options: () => T): T {
  try {
    return options();
  } catch (error) {
    console.error(`${command}: ${(error as Error).message}\n\n${help}`);
    process.exit(2);
  }
}
