# One image for the controller, the mover and the command line. It holds the bundled program; make it before the image:
#   npm ci && npm run bundle && docker build -t handover/handover:dev .
# or `make image`, which does it all and needs no Docker.
FROM debian:forky-slim

# Majors of PostgreSQL whose own client is in the image; those that the base does not have come from the releases that do.
ARG PG_MAJORS="18 17 15"

RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    # docs, translations and the like are of no use in a container
    printf 'path-exclude /usr/share/%s/*\n' doc man info locale lintian bash-completion > /etc/dpkg/dpkg.cfg.d/lean; \
    mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1); \
    for suite in trixie bookworm; do \
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >> /etc/apt/sources.list.d/older.list; \
        printf 'Package: *\nPin: release n=%s\nPin-Priority: 100\n\n' $suite >> /etc/apt/preferences.d/older; \
    done; \
    apt-get update -qq; \
    apt-get install -y -qq --no-install-recommends \
        nodejs rsync tar zstd attr age openssh-client ca-certificates \
        $(for major in $PG_MAJORS; do echo postgresql-client-$major; done); \
    rm -rf /etc/apt/sources.list.d/older.list /etc/apt/preferences.d/older /var/lib/apt/lists/* /var/cache/apt/* /var/log/*.log /var/log/apt; \
    # ssh refuses to run as a user without a name
    echo 'handover:x:65532:' >> /etc/group; echo 'handover:x:65532:65532::/tmp:/usr/sbin/nologin' >> /etc/passwd; \
    for major in $PG_MAJORS; do /usr/lib/postgresql/$major/bin/pg_dump --version; done; \
    node --version; rsync --version | head -n 1

COPY dist/ /opt/handover/
# With the Node of this image: what any other has compiled is ignored.
RUN node /opt/handover/main.mjs compile-mover

# Movers override the user: they run as whom the volumes' files belong to, or as root to keep owners.
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["node", "/opt/handover/main.mjs"]
