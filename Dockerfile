# syntax=docker/dockerfile:1
# The api and the CPU worker: one image, two commands (docker-compose.yml says which).
#
# The base follows Node's long-term line. A build that must be repeatable to the byte names its digest:
#   --build-arg NODE_IMAGE=node:24-bookworm-slim@sha256:…
ARG NODE_IMAGE=node:24-bookworm-slim

# Only the manifests, so that a change of source code leaves the installed layers below alone.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /source
COPY . .
RUN mkdir /manifests \
 && find . -name package.json -not -path '*/node_modules/*' -exec cp --parents {} /manifests \; \
 && cp -r --parents package-lock.json .npmrc scripts /manifests

# TypeScript and the other development packages stay in this stage.
FROM ${NODE_IMAGE} AS compile
WORKDIR /app
COPY --from=manifests /manifests ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build
# What the image consists of (SPDX 2.3); Debian's packages are in /var/lib/dpkg.
RUN npm sbom --sbom-format spdx --omit dev > sbom.spdx.json

# Compiler and pip stay in this stage.
FROM ${NODE_IMAGE} AS install
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates g++ libc6-dev python3-pip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# Outside node_modules, at the path that the final stage has too: the package links to it.
ENV DISTILLERY_CACHE=/opt/distillery NPM_CONFIG_OMIT=dev
COPY --from=manifests /manifests ./
RUN node scripts/setup.mjs --no-redis --require-native \
 && rm -rf /opt/distillery/*/deps/include node_modules/webgpu node_modules/@tensorflow/tfjs-node-gpu

FROM ${NODE_IMAGE}
# STORE, DATA_DIR and DATA_ROOTS are volumes; a named volume takes its owner from the image.
RUN mkdir -p /var/lib/distillery/store /var/lib/distillery/data /datasets \
 && chown -R node:node /var/lib/distillery /datasets
WORKDIR /app
COPY --from=install /opt/distillery /opt/distillery
COPY --from=install /app/node_modules ./node_modules
COPY --from=compile /app/sbom.spdx.json ./
COPY --from=compile /app/built/packages ./packages
COPY --from=compile /app/built/apps ./apps
RUN ln -s /app/apps/cli/source/main.js /usr/local/bin/distill
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8080 \
    STORE=/var/lib/distillery/store \
    DATA_DIR=/var/lib/distillery/data \
    DATA_ROOTS=/datasets \
    LOG_LEVEL=info \
    TF_CPP_MIN_LOG_LEVEL=2
USER node
EXPOSE 8080
CMD ["node", "apps/api/source/main.js"]
