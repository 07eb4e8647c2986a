# The image of limpet-server: docs/deploying.md. Data is below /app/data; everything else is read-only.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

# The packages with native code, which the programs load at run time, without their files for other platforms and compilers.
FROM build AS native
RUN mkdir -p /native/@phc \
 && cp -r node_modules/argon2 node_modules/better-sqlite3 node_modules/node-gyp-build /native/ \
 && cp -r node_modules/@phc/format /native/@phc/ \
 && cd /native \
 && rm -rf argon2/argon2 better-sqlite3/deps better-sqlite3/src */binding.gyp */*.cpp \
 && find better-sqlite3/prebuilds -type f ! -name "linux-$(node --print process.arch).node" -delete \
 && find argon2/prebuilds -mindepth 1 -maxdepth 1 ! -name "linux-$(node --print process.arch)" -exec rm -r {} + \
 && find . -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' \) -delete

# Node without npm, yarn and corepack: a server does not need them, and an attacker who breaks into one could use them.
FROM node:24-bookworm-slim AS node
RUN rm -rf /opt/yarn* /usr/local/include /usr/local/lib/node_modules /usr/local/share/doc /usr/local/share/man \
      /usr/local/bin/corepack /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/yarn /usr/local/bin/yarnpkg \
      /usr/local/bin/docker-entrypoint.sh \
 && ln -s /app/bin/limpet-server.js /usr/local/bin/limpet-server \
 && ln -s /app/bin/limpet.js /usr/local/bin/limpet \
 && install -d -o node -g node -m 0700 /app/data

# The program as it is in the image. It runs once, so that V8 caches the compiled code and every start is faster.
FROM node AS program
WORKDIR /app
COPY LICENSE package.json ./
COPY bin ./bin
COPY migrations ./migrations
COPY --from=native /native ./node_modules
COPY --from=build /app/dist/programs ./dist/programs
RUN node bin/limpet.js --version && node bin/limpet-server.js migrate \
 && (timeout --signal=TERM 5 node bin/limpet-server.js start || test $? = 124) \
 && rm -rf data

# One layer, because files that a layer deletes from a lower layer stay in the image.
FROM scratch
COPY --from=node / /
WORKDIR /app
COPY --from=program /app ./

LABEL org.opencontainers.image.title="Limpet" \
      org.opencontainers.image.description="A zero-knowledge password vault server" \
      org.opencontainers.image.licenses="MIT"
# The last two bound its memory: docs/decisions/memory-of-a-server.md.
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    NODE_ENV=production \
    HOST=0.0.0.0 \
    NODE_OPTIONS=--max-semi-space-size=16 \
    GLIBC_TUNABLES=glibc.malloc.arena_max=1:glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=67108864
# By number, so that tools can check that it is not root. The user's name is node.
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 CMD ["node", "/app/bin/healthcheck.js"]
ENTRYPOINT ["limpet-server"]
CMD ["start"]
