# Two images: `portal` (the default) and `trial`, which is the portal with the emulated Google Cloud beside it.

FROM node:24-slim@sha256:cd84903a12dbd26b46f1f3b8144a2568c41c5d37ddd0c7a80a34c7a19786b35f AS front-end
WORKDIR /front-end
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tools/vendor.mjs tools/
COPY app app
RUN node tools/vendor.mjs

FROM python:3.12-slim@sha256:229a2c5bfa27522db7815ea81f9bed70af17ccb9de9fc7ad142b1877b5830d36 AS build
WORKDIR /srv/stationmaster
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 VIRTUAL_ENV=/srv/stationmaster/.venv
COPY requirements-setup.txt requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements-setup.txt \
  && uv venv .venv \
  && uv pip install --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY --from=front-end /front-end/app app
RUN uv pip install --no-deps --no-build-isolation --editable . \
  && python -m compileall -q app

FROM python:3.12-slim@sha256:229a2c5bfa27522db7815ea81f9bed70af17ccb9de9fc7ad142b1877b5830d36 AS base
# Terraform comes with the Python packages, see docs/dependencies.md.
ENV PATH=/srv/stationmaster/.venv/bin:$PATH \
  PYTHONUNBUFFERED=1 \
  STATIONMASTER_DATA_DIR=/var/lib/stationmaster \
  STATIONMASTER_HOST=0.0.0.0
RUN groupadd --gid 10001 stationmaster \
  && useradd --uid 10001 --gid stationmaster --home-dir /var/lib/stationmaster --create-home stationmaster
WORKDIR /srv/stationmaster
COPY --from=build /srv/stationmaster/.venv .venv
COPY --from=build /srv/stationmaster/app app
COPY LICENSE ./
COPY migrations migrations
COPY terraform terraform
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
# No process of ours is made for PID 1: run with an init above it (`docker run --init`, `init: true` in Compose).
CMD ["stationmaster", "web"]

FROM base AS trial
COPY emulator emulator
# The provider's launcher names the interpreter, so it is written here, where all services have the same one.
RUN python -m compileall -q emulator \
  && python -c "from pathlib import Path; from emulator.provider.mirror import write_mirror; write_mirror(Path('/opt/emulator'))"
USER 10001:10001

FROM base AS portal
USER 10001:10001
