const headers = new Headers({
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
});

const isolate = ({ middlewares }) => {
  middlewares.use((_request, response, next) => {
    response.setHeaders(headers);
    next();
  });
};

export default {
  plugins: [{ name: 'isolate', configureServer: isolate, configurePreviewServer: isolate }],
};
