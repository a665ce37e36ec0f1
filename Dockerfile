# Two stages: the first compiles the program, the second holds nothing but the one file.
FROM node:22-bookworm-slim AS build
WORKDIR /src
# Bun and the dependencies change more seldom than the source, so they are a layer of their own.
COPY bunw package.json bun.lock bunfig.toml ./
RUN ./bunw --version
COPY . .
# There is no git in here: `docker build --build-arg ATELIER_COMMIT=$(git rev-parse --short=12 HEAD)
# --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) .` puts into the image the very file of the release.
ARG ATELIER_COMMIT=unknown
ARG SOURCE_DATE_EPOCH=
RUN export ATELIER_COMMIT="$ATELIER_COMMIT" SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
 && ./bunw run release --only "linux-$(node -p process.arch)" \
 && mv dist/release/atelier-*-linux-* dist/atelier \
 && ATELIER_CACHE_DIR=/tmp/try dist/atelier version --all

# glibc (2.28 or newer) and libstdc++, which sharp's native code needs, are part of this image. Certificates are in the program.
FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="atelier" \
      org.opencontainers.image.description="The backend of a Telegram Mini App that makes pictures" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 atelier \
 && useradd --uid 10001 --gid atelier --no-log-init --home-dir /data --no-create-home --shell /usr/sbin/nologin atelier \
 && install --directory --owner=atelier --group=atelier --mode=0700 /data /var/cache/atelier
COPY --from=build --chmod=0755 /src/dist/atelier /usr/local/bin/atelier
COPY --from=build --chmod=0644 /src/dist/release/LICENCES.txt /usr/share/doc/atelier/LICENCES.txt

# Two malloc arenas instead of eight for each core: pictures are decoded on many threads, and the peak falls by a fifth.
ENV HOST=0.0.0.0 \
    PORT=3000 \
    DATA_DIR=/data \
    ATELIER_CACHE_DIR=/var/cache/atelier \
    MALLOC_ARENA_MAX=2
USER 10001:10001
WORKDIR /data
# Volumes, so that both can be written with `--read-only` too. The cache must not be mounted noexec.
VOLUME ["/data", "/var/cache/atelier"]
EXPOSE 3000
# It finds out which role process 1 plays: a worker has no port, and its heartbeat is looked for instead.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 CMD ["/usr/local/bin/atelier", "healthcheck"]
# SIGTERM: what runs is finished or handed back within 25 s; `docker stop --time 30` leaves that time.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/atelier"]
CMD ["serve"]
