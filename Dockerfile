# The stand-in as an image: docker build -t tms-standin . (where there is no Docker: make image).
# It runs as uid 10001 on a read-only root file system and writes to /data alone.

FROM debian:bookworm-slim AS python
# What a person reads, and what only apt needs, does not belong in the result.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3.11 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
        /var/log/alternatives.log

FROM python AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3.11-venv
WORKDIR /build
# The tools stay behind in their own environment; the one that is copied never had them.
RUN python3.11 -m venv tools && python3.11 -m venv --without-pip /opt/tms-standin
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# The dependencies come first, so that a change of the code alone does not install them again.
COPY pyproject.toml constraints.txt ./
RUN python3.11 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
        >requirements.txt \
    && tools/bin/pip --python /opt/tms-standin/bin/python install --quiet --no-compile --only-binary :all: \
        --constraint constraints.txt --requirement requirements.txt
COPY README.md ./
COPY migrations migrations
COPY app app
# Nothing can write bytecode at run time, so all of it is made here, and none is ever compared with its source again.
RUN tools/bin/pip wheel --quiet --no-deps --wheel-dir wheels . \
    && tools/bin/pip --python /opt/tms-standin/bin/python install --quiet --no-compile --no-deps wheels/*.whl \
    && /opt/tms-standin/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/tms-standin/lib

FROM python
LABEL org.opencontainers.image.title="tms-standin" \
    org.opencontainers.image.description="A stand-in for the TMS server, an OAuth 2.0 device authorization server and the Tapis authenticator." \
    org.opencontainers.image.version="0.1.0"
# No program in it makes whoever runs it somebody else.
RUN find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin standin \
    && install --directory --owner standin --group standin /data \
    && rm -f /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow-
COPY --from=build /opt/tms-standin /opt/tms-standin
# The settings' file is /data/config/tms.toml or /data/tms.toml, if one is mounted; the database is /data/tms.db.
ENV PATH=/opt/tms-standin/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    TMS_ROOT_DIR=/data \
    TMS_STANDIN_HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["tms-standin", "health"]
ENTRYPOINT ["tms-standin"]
CMD ["serve"]
