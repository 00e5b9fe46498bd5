# Nereid with CUDA: as cpu.Dockerfile, and NVIDIA's libraries from the wheels that NVIDIA puts on the package index, with their
# licences. Whoever builds it agrees to those. `make image KIND=cuda` builds it from the folder that tools/image.py writes.
#
# The driver comes with the machine, by NVIDIA's container toolkit: docker run --gpus all. TensorRT's libraries are on no
# package index. They are mounted (-v /opt/tensorrt/lib:/usr/lib/tensorrt:ro), or come from an image that has them in
# /usr/lib/tensorrt: --build-arg BASE=that/image.
ARG BASE=scratch
FROM ${BASE}

# Gigabytes, which change seldom, are below what changes with the code.
COPY libraries/ /
COPY server/ /

ENV PATH=/usr/bin ORT_DISABLE_TELEMETRY=1 \
    LD_LIBRARY_PATH=/usr/lib/nvidia:/usr/lib/tensorrt:/usr/local/nvidia/lib64:/usr/lib/x86_64-linux-gnu \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
USER 65532:65532
WORKDIR /
EXPOSE 8000 8001 8002
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=600s --retries=3 CMD ["/usr/bin/nereid", "probe", "ready"]
ENTRYPOINT ["/usr/bin/nereid"]
LABEL org.opencontainers.image.title="nereid" \
      org.opencontainers.image.description="An inference server in Rust that a Triton user can swap in, with CUDA" \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-NVIDIA"
