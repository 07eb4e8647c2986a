# The image of limpet-server: docs/deploying.md. Data is below /app/data; everything else is read-only.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

# The packages that the program needs at run time, without their files for other platforms, compilers and debuggers.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund \
 && rm -rf node_modules/better-sqlite3/deps node_modules/better-sqlite3/src \
 && find node_modules/better-sqlite3/prebuilds -type f ! -name "linux-$(node --print process.arch).node" -delete \
 && find node_modules/argon2/prebuilds -mindepth 1 -maxdepth 1 ! -name "linux-$(node --print process.arch)" -exec rm -r {} + \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete

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
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist/programs ./dist/programs
RUN node bin/limpet-server.js migrate \
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
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    NODE_ENV=production \
    HOST=0.0.0.0
# By number, so that tools can check that it is not root. The user's name is node.
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 CMD ["node", "/app/bin/healthcheck.js"]
ENTRYPOINT ["limpet-server"]
CMD ["start"]
