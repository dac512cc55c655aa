import { rounds } from './jest.config.js';

const plugins = ['@babel/plugin-transform-modules-commonjs'];

export default rounds({ transform: { '\\.js$': ['babel-jest', { plugins }] } });
