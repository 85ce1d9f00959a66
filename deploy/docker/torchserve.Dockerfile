# EmoNeXt behind TorchServe: on CPUs, or with the targets' other one on NVIDIA GPUs.
#
#   docker build -f deploy/docker/torchserve.Dockerfile --target cpu -t emostream-torchserve:cpu .
#   docker build -f deploy/docker/torchserve.Dockerfile --target gpu -t emostream-torchserve:gpu .
#
# requirements.lock has the CUDA build of torch, which runs on CPUs as well and takes 4.7 GB. The CPU build is a
# tenth of that, and comes from another index: name it, and the sha256 of its wheel, to have it:
#   --build-arg TORCH_CPU_INDEX=https://... --build-arg TORCH_CPU="torch==2.13.0+cpu --hash=sha256:..."

ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY requirements.lock pyproject.toml deploy/docker/locked.py deploy/docker/sbom.py ./
RUN python -m venv /opt/venv

FROM build AS build-gpu
RUN python locked.py torchserve > image.lock \
 && /opt/venv/bin/pip install --require-hashes --no-deps -r image.lock \
 && /opt/venv/bin/pip uninstall --yes pip \
 && python sbom.py torchserve > /sbom.cdx.json

FROM build AS build-cpu
ARG TORCH_CPU_INDEX=""
ARG TORCH_CPU=""
RUN if [ -n "$TORCH_CPU_INDEX" ]; then \
      python locked.py torchserve torch triton 'nvidia-*' 'cuda-*' > image.lock \
      && echo "$TORCH_CPU" > torch.lock \
      && python sbom.py torchserve torch triton 'nvidia-*' 'cuda-*' --other torch.lock > /sbom.cdx.json \
      && /opt/venv/bin/pip install --require-hashes --no-deps --index-url "$TORCH_CPU_INDEX" -r torch.lock; \
    else \
      python locked.py torchserve > image.lock \
      && python sbom.py torchserve > /sbom.cdx.json; \
    fi \
 && /opt/venv/bin/pip install --require-hashes --no-deps -r image.lock \
 && /opt/venv/bin/pip uninstall --yes pip

FROM ${PYTHON} AS server
RUN groupadd --gid 10001 emostream \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin emostream \
 && install -d -o emostream -g emostream -m 0750 /run/model
COPY serving /opt/emostream/lib/serving
COPY model_store /opt/emostream/model_store
COPY deploy/torchserve /opt/emostream/torchserve
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp USER=emostream \
    PYTHONPATH=/opt/emostream/lib \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    EMOSTREAM_MODEL_STORE=/opt/emostream/model_store
USER 10001:10001
WORKDIR /tmp
EXPOSE 7070 8080 8082
CMD ["python", "/opt/emostream/torchserve/start.py"]

FROM server AS gpu
LABEL org.opencontainers.image.title=emostream-torchserve-gpu org.opencontainers.image.licenses=Apache-2.0
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-gpu /opt/venv /opt/venv
COPY --from=build-gpu /sbom.cdx.json /opt/emostream/sbom.cdx.json

FROM server AS cpu
LABEL org.opencontainers.image.title=emostream-torchserve-cpu org.opencontainers.image.licenses=Apache-2.0
COPY --from=build-cpu /opt/venv /opt/venv
COPY --from=build-cpu /sbom.cdx.json /opt/emostream/sbom.cdx.json
