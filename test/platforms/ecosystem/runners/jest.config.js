// Node itself loads the modules of both kinds.
export default { transform: {} };
