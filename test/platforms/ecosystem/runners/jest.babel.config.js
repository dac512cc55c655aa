const plugins = ['@babel/plugin-transform-modules-commonjs'];

export default { transform: { '\\.js$': ['babel-jest', { plugins }] } };
