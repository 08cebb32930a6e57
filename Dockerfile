# The images of Anabranch: one target for each program, without a shell, as user 65532.
#
#     docker build --target router --tag anabranch-router .
#
# router, operator, store and namespace serve; cli is the command line `anabranch`. e2e/kube/images builds the same
# targets from programs that are compiled already, and the tests on Kubernetes run those.
#
# cli is a plugin of kubectl as well, `kubectl anabranch explain /path`, for a Linux machine without a toolchain:
#
#     docker cp "$(docker create anabranch)":/usr/local/. ~/.local
#     ln -s anabranch ~/.local/bin/kubectl-anabranch

ARG RUST=docker.io/library/rust:1.95-bookworm
# Has what the programs are linked to (glibc, libgcc, libstdc++) and that user; of the same Debian as the builder.
ARG BASE=gcr.io/distroless/cc-debian12:nonroot

FROM ${RUST} AS build
WORKDIR /src
# In layers of their own: they change rarely.
COPY rust-toolchain.toml .
RUN rustc --version
COPY scripts scripts
# RocksDB is the prebuilt library that all tests link as well.
RUN scripts/deps build && scripts/rocksdb /out/lib && install -d /out/data
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    install -D -t target/lib /out/lib/librocksdb.so \
    && cargo build --release --locked --workspace --exclude anabranch-bench --exclude anabranch-e2e --exclude xtask --bins \
    && find target/release -maxdepth 1 -type f -executable -name 'anabranch*' -exec install -D -t /out/bin {} +

FROM ${BASE} AS base
# Programs find the library beside themselves (bin/../lib); one layer serves all images of a node.
COPY --from=build /out/lib /usr/local/lib
# What a volume is mounted over; one that docker makes takes its owner from here.
COPY --from=build --chown=65532:65532 /out/data /var/lib/anabranch
WORKDIR /var/lib/anabranch
# By number: `runAsNonRoot` cannot judge a name.
USER 65532:65532
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.vendor="Anabranch" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM base AS router
LABEL org.opencontainers.image.title="anabranch-router" \
      org.opencontainers.image.description="HDFS router: serves Hadoop clients from a mount table over many subclusters"
COPY --from=build /out/bin/anabranch-router /usr/local/bin/
# Hadoop RPC, administration, HTTP.
EXPOSE 8888 8111 50071
ENTRYPOINT ["/usr/local/bin/anabranch-router"]

FROM base AS operator
LABEL org.opencontainers.image.title="anabranch-operator" \
      org.opencontainers.image.description="Kubernetes operator: reconciles router fleets, mount tables and subclusters"
COPY --from=build /out/bin/anabranch-operator /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/anabranch-operator"]

FROM base AS store
LABEL org.opencontainers.image.title="anabranch-store" \
      org.opencontainers.image.description="State store of HDFS routers as a service over gRPC"
COPY --from=build /out/bin/anabranch-store /usr/local/bin/
EXPOSE 8890
ENTRYPOINT ["/usr/local/bin/anabranch-store"]

FROM base AS namespace
LABEL org.opencontainers.image.title="anabranch-namespace" \
      org.opencontainers.image.description="Embedded subcluster: a namespace service and its block store for HDFS clients"
COPY --from=build /out/bin/anabranch-namespace /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/anabranch-namespace"]

FROM base AS cli
LABEL org.opencontainers.image.title="anabranch" \
      org.opencontainers.image.description="Command line of Anabranch: local federation, file commands, explanations of paths"
COPY --from=build /out/bin/anabranch /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/anabranch"]
