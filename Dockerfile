FROM rust:1.95-bookworm AS builder
WORKDIR /src
COPY . .
# `docker build --build-arg COMMIT=$(git rev-parse HEAD)`: the context has no .git, and `florin --version` says the commit.
ARG COMMIT=unknown
# The caches live outside of the image, so the program is copied out of them in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    BUILD_COMMIT=$COMMIT cargo build --release --locked --bin florin && cp target/release/florin /usr/local/bin/florin

FROM debian:bookworm-slim
COPY --from=builder /usr/local/bin/florin /usr/local/bin/florin
# A number, so that an orchestrator can see that it is not root without reading /etc/passwd.
RUN install --directory --owner=10001 --group=10001 --mode=0700 /data
USER 10001:10001
ENV FLORIN_LISTEN=0.0.0.0:8080 \
    FLORIN_DATA_DIR=/data
VOLUME /data
EXPOSE 8080
# The image has no curl, but bash, which opens TCP connections by itself. Migrations happen before the first answer.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${FLORIN_LISTEN##*:} && printf 'GET /livez HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r -t 3 _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["florin"]
