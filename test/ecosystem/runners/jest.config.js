/** A worker evaluates the package once for each file: more often than an emitter may have listeners. */
const ROUNDS = 12;

export const rounds = (project) => ({
  projects: Array.from({ length: ROUNDS }, (_, round) => ({ displayName: `round ${round}`, ...project })),
});

// Node itself loads the modules of both kinds.
export default rounds({ transform: {} });
