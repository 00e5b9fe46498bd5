# Nereid on the CPU: no shell, no package manager, any user, a read-only file system. `make image` builds it from the folder
# that tools/image.py writes.
ARG BASE=scratch
FROM ${BASE}

# What changes seldom is below what changes with the code.
COPY libraries/ /
COPY server/ /

ENV PATH=/usr/bin ORT_DISABLE_TELEMETRY=1
USER 65532:65532
WORKDIR /
EXPOSE 8000 8001 8002
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=300s --retries=3 CMD ["/usr/bin/nereid", "probe", "ready"]
ENTRYPOINT ["/usr/bin/nereid"]
LABEL org.opencontainers.image.title="nereid" \
      org.opencontainers.image.description="An inference server in Rust that a Triton user can swap in" \
      org.opencontainers.image.licenses="Apache-2.0"
