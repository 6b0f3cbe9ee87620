# psa-pay in a container: two stages, the second with the binary, certificates and nothing to run beside it. It
# runs as nobody's user; start it with a read-only root and a volume for SQLite, if it is used:
#
#   docker run --read-only --cap-drop=ALL --security-opt=no-new-privileges --env-file .env \
#     -v psa-pay-data:/data -p 127.0.0.1:8080:8080 psa-pay
#
# No container engine builds it in `./check`. `./check full` goes through the last stage, as root on Debian, in a root
# made by debootstrap (deploy/try-image): its RUN, its user, a root that can only be read, its stop. The first stage is
# what cargo does there anyway.
#
# LISTEN is set here because a container's loopback is its own. With SQLite set DATABASE_URL=sqlite:/data/psa-pay.db.

FROM rust:1-slim-trixie AS build
RUN apt-get update && apt-get install -y --no-install-recommends build-essential cmake && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p psa-pay --bin psa-pay && strip target/release/psa-pay

FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin psa-pay \
    && install -d -o 10001 -g 10001 -m 700 /data
COPY --from=build /src/target/release/psa-pay /usr/local/bin/psa-pay
USER 10001
WORKDIR /data
VOLUME /data
ENV LISTEN=0.0.0.0:8080 LOG_FORMAT=json
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/psa-pay"]
CMD ["serve"]
