#!/bin/sh
# Makes sure of MariaDB's programs for the peer tests (Debian, Ubuntu; as root). It installs no service: the tests start a server of their own.
set -eu
PATH="$PATH:/usr/sbin:/usr/local/sbin"
if command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null && command -v mariadb >/dev/null; then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "MariaDB: not installed, and there is no apt-get here; install the package that has mariadbd, mariadb-install-db and mariadb" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "MariaDB: not installed; run $0 as root, or: sudo apt-get install --no-install-recommends mariadb-server-core mariadb-client-core" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# The core packages hold the programs; up to Debian 11 their names have a version, and only the whole server brings them.
apt-get install -q -y --no-install-recommends mariadb-server-core mariadb-client-core || apt-get install -q -y --no-install-recommends mariadb-server
