# The image: the program, the C libraries that it is linked to, certificates to trust, and nothing that
# could be written to. Built from a clone with `docker build -t vestibule .`

FROM rust:1.95-slim-bookworm AS builder

RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        build-essential libclang-dev libpq-dev libxml2-dev libxmlsec1-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /src

# The dependencies alone, around an empty program: this layer, the slow one, is made again only when
# Cargo.toml or Cargo.lock change.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src benches \
    && echo 'fn main() {}' | tee src/main.rs > src/lib.rs \
    && sed -n '/^\[\[bench\]\]/,/^$/s/^name *= *"\(.*\)"/\1/p' Cargo.toml | while read -r bench; do \
        echo 'fn main() {}' > "benches/$bench.rs"; \
    done \
    && cargo build --release --locked --bin vestibule \
    && rm -rf src

COPY . .
# Cargo goes by time stamps, and those of the sources may be older than the empty program's.
RUN find src migrations templates static config -type f -exec touch {} + \
    && cargo build --release --locked --bin vestibule


FROM debian:bookworm-slim

# Of the two flavours of libxmlsec1 the one with OpenSSL: that is what it is built against.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libpq5 libxml2 libxmlsec1-openssl \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 vestibule \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin vestibule

COPY --from=builder /src/target/release/vestibule /usr/local/bin/vestibule

LABEL org.opencontainers.image.title="Vestibule" \
    org.opencontainers.image.description="The one front door for all of your apps: identity provider and auth gateway" \
    org.opencontainers.image.licenses="Apache-2.0 OR MIT"

# Inside a container loopback reaches nobody. There is no PostgreSQL in here, so database.url and
# secrets.key have to be given; with them nothing is ever written to the file system.
ENV VESTIBULE__SERVER__LISTEN=0.0.0.0:8080 \
    VESTIBULE__LOG__FORMAT=json

USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=4s --start-period=20s CMD ["vestibule", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["vestibule"]
CMD ["serve"]
