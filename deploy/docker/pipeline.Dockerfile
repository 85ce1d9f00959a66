# All roles of emostream, and Ray's nodes. Without torch and CUDA: faces are read by the model server.
#
#   docker build -f deploy/docker/pipeline.Dockerfile --target pipeline -t emostream .
#   docker build -f deploy/docker/pipeline.Dockerfile --target camera -t emostream-camera .
#
# Pin the base by digest where it can be asked for (docs/deploy.md, Images):
#   docker build --build-arg PYTHON=python:3.11-slim-bookworm@sha256:...

ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
# First what changes seldom: the packages, as the lock file has them.
COPY requirements.lock pyproject.toml deploy/docker/locked.py ./
RUN python locked.py pipeline > pipeline.lock \
 && python locked.py build > build.lock \
 && python -m venv /opt/venv && python -m venv /opt/build \
 && /opt/venv/bin/pip install --require-hashes --no-deps -r pipeline.lock \
 && /opt/build/bin/pip install --require-hashes --no-deps -r build.lock
COPY LICENSE README.md ./
COPY pipeline pipeline
COPY serving serving
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/venv/bin/pip install --no-deps /wheels/*.whl \
 && /opt/venv/bin/pip uninstall --yes pip setuptools
# YuNet, checked by its sha256. A build without internet brings it: --build-context detector=FOLDER.
FROM scratch AS detector
FROM build AS models
COPY --from=detector . /detector
RUN EMOSTREAM_MODEL_DIR=/detector /opt/venv/bin/python -c \
    "from pathlib import Path; from pipeline.analyze.model_files import FILE_NAME, yunet_model; \
     Path('/models').mkdir(); Path('/models', FILE_NAME).write_bytes(yunet_model(Path('/detector')))"
COPY requirements.lock pyproject.toml ./
COPY deploy/docker/locked.py deploy/docker/sbom.py ./
RUN python sbom.py pipeline > /sbom.cdx.json

FROM ${PYTHON} AS pipeline
LABEL org.opencontainers.image.title=emostream \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.description="Apparent facial expressions of many cameras, streamed as events"
RUN groupadd --gid 10001 emostream \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin emostream \
 && install -d -o emostream -g emostream -m 0750 /run/emostream /run/model
COPY --from=build /opt/venv /opt/venv
COPY --from=models /models /opt/emostream/models
COPY --from=models /sbom.cdx.json /opt/emostream/sbom.cdx.json
COPY model_store /opt/emostream/model_store
COPY --chmod=0555 deploy/docker/bin /opt/emostream/bin
ENV PATH=/opt/emostream/bin:/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp USER=emostream \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    EMOSTREAM_MODEL_STORE=/opt/emostream/model_store \
    EMOSTREAM_MODEL_DIR=/opt/emostream/models \
    EMOSTREAM_OFFLINE=1
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["/opt/emostream/bin/with-secrets"]
CMD ["emostream", "--help"]

# The same with an RTSP server that shows drawn people: a camera for trying things out.
FROM pipeline AS camera
USER root
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gir1.2-gst-rtsp-server-1.0 python3-gi \
      gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly \
 && rm -rf /var/lib/apt/lists/*
USER 10001:10001
CMD ["rtsp-camera"]

FROM pipeline
