#!/bin/bash
# Make this checkout ready to run, test or measure, and print the folder of its virtual environment.
#
# Usage: packaging/prepare.sh demo|test|kubernetes|bench
#
# Debian packages that are missing are installed where we are root; elsewhere they are named. The Python packages are those of
# requirements*.txt, checked against their hashes. meshd itself is installed from a copy of its sources, not editable: twistd finds no plugin
# in an editable install, and workers run as another user, who may be unable to read the checkout. Whatever is up to date is left alone.
# For `kubernetes`, a real kube-apiserver is built where it is missing, which takes five minutes once (tests/kubernetes/building.py).
# Progress goes to standard error. Exit status: 0 ready, 1 something is missing (and was named).
set -euo pipefail
umask 022

PURPOSE=${1:-}
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHON=${PYTHON:-/usr/bin/python3}

say() { printf 'prepare: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# program:Debian package
common=(ip:iproute2 nft:nftables curl:curl nginx:nginx-light nc:netcat-openbsd ps:procps unshare:util-linux nsenter:util-linux)
# what compiles the hot path (setup.py); the demo does without where it is missing
compiler=(gcc:gcc)
case $PURPOSE in
    demo) programs=("${common[@]}") ;;
    test) programs=("${common[@]}" "${compiler[@]}" iptables:iptables wrk:wrk) ;;
    kubernetes) programs=("${common[@]}" "${compiler[@]}" iptables:iptables wrk:wrk etcd:etcd-server) ;;
    bench) programs=("${common[@]}" "${compiler[@]}" wrk:wrk haproxy:haproxy h2load:nghttp2-client dnsperf:dnsperf dnsmasq:dnsmasq-base) ;;
    *) echo "usage: ${BASH_SOURCE[0]} demo|test|kubernetes|bench" >&2; exit 2 ;;
esac

really_root() {
    # uid 0 of a user namespace is nobody special outside it
    [ "$(id -u)" = 0 ] && [ "$(tr -s ' ' < /proc/self/uid_map)" = " 0 0 4294967295" ]
}

python_headers() { "$PYTHON" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))'; }

missing_packages() {
    local pair
    for pair in "${programs[@]}"; do
        PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" > /dev/null || echo "${pair##*:}"
    done | sort -u
    [ -x "$PYTHON" ] || echo python3
    "$PYTHON" -c 'import ensurepip, venv' 2> /dev/null || echo python3-venv
    [ "$PURPOSE" = demo ] || python_headers || echo python3-dev
    really_root || command -v newuidmap > /dev/null || echo uidmap
}

install_debian_packages() {
    local packages log service guard=/usr/sbin/policy-rc.d
    packages=$(missing_packages | tr '\n' ' ')
    [ -n "${packages// /}" ] || return 0
    really_root || fail "these Debian packages are missing: ${packages% }; as root: apt-get install ${packages% }"
    command -v apt-get > /dev/null || fail "these Debian packages are missing, and there is no apt-get here: ${packages% }"
    say "installing Debian packages: ${packages% }"
    log=$(mktemp)
    # servers are wanted as programs only: their services are neither started nor enabled
    if [ ! -e $guard ]; then
        printf '#!/bin/sh\nexit 101\n' > $guard
        chmod 755 $guard
        trap 'rm -f '$guard EXIT
    fi
    # shellcheck disable=SC2086
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages; } > "$log" 2>&1 < /dev/null; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install: ${packages% } (its last words are above); is there a network, and a Debian mirror in /etc/apt?"
    fi
    rm -f "$log"
    for service in nginx haproxy etcd; do
        case " $packages " in
            *" $service"*)
                deb-systemd-helper disable "$service.service" > /dev/null 2>&1 || true
                update-rc.d "$service" disable > /dev/null 2>&1 || true
                ;;
        esac
    done
    [ -z "$(trap)" ] || { rm -f $guard; trap - EXIT; }
}

readable_by_all() {
    # every folder on the way may be passed by anybody, so that workers (another user) can start the interpreter
    local folder=$1
    while :; do
        [ $(($(stat -c '0%a' "$folder") & 01)) = 1 ] || return 1
        [ "$folder" != / ] || return 0
        folder=$(dirname "$folder")
    done
}

can_have_namespaces() {
    # told before a minute of setting up, not after it; the demo itself asks again
    (cd "$ROOT" && "$PYTHON" -B -c 'import sys; from tests.helpers.isolation import obstacles; sys.exit("\n".join("prepare: " + it for it in obstacles()) or 0)')
}

choose_venv() {
    if readable_by_all "$ROOT" && [ -w "$ROOT" ]; then
        VENV=$ROOT/.venv
        return
    fi
    VENV=/var/tmp/meshd-venv-$(id -u)-$(printf %s "$ROOT" | sha256sum | cut -c1-12)
    if [ -e "$VENV" ] && { [ -L "$VENV" ] || [ ! -O "$VENV" ]; }; then
        fail "$VENV exists and is not ours; remove it"
    fi
    [ -d "$VENV" ] || say "other users cannot read $ROOT, so the virtual environment is $VENV"
}

python_is_new_enough() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$PYTHON is $("$PYTHON" --version 2>&1); meshd needs Python 3.11 or newer"
}

stamped() { [ "$(cat "$VENV/stamps/$1" 2> /dev/null)" = "$2" ]; }
stamp() { mkdir -p "$VENV/stamps" && printf '%s\n' "$2" > "$VENV/stamps/$1"; }

pip_install() {
    "$VENV/bin/python" -m pip --quiet --disable-pip-version-check install "$@" < /dev/null >&2 \
        || fail "pip could not install (its words are above): $*; is there a network, and an index that serves PyPI's packages?"
}

install_requirements() {
    local name=$1 file=$ROOT/requirements-$1.txt sum
    [ "$name" != runtime ] || file=$ROOT/requirements.txt
    sum=$(sha256sum < "$file")
    stamped "$name" "$sum" && return
    say "installing ${file##*/} into $VENV"
    pip_install --require-hashes --no-deps -r "$file"
    stamp "$name" "$sum"
}

install_meshd() {
    local sum copy
    sum=$(cd "$ROOT" && find meshd twisted setup.py setup.cfg pyproject.toml -name __pycache__ -prune -o -type f ! -name dropin.cache -printf '%p %s %T@\n' | sort | sha256sum)
    if ! { command -v gcc > /dev/null && python_headers; }; then
        sum="$sum interpreted"
    fi
    stamped meshd "$sum" && return
    case $sum in
        *interpreted) say "installing meshd into $VENV (without a C compiler and Python's headers its hot path stays interpreted, which is slower)" ;;
        *) say "installing meshd into $VENV (compiling its hot path, one to two minutes)" ;;
    esac
    copy=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$copy'" EXIT
    (cd "$ROOT" && tar --exclude=__pycache__ --exclude=dropin.cache -cf - setup.py setup.cfg pyproject.toml README.md LICENSE meshd twisted) | tar -xf - -C "$copy"
    PATH="$VENV/bin:$PATH" pip_install --no-deps --no-build-isolation --force-reinstall "$copy"
    rm -rf "$copy"
    trap - EXIT
    # twistd keeps a list of plugins beside them; write it while we may
    (cd / && "$VENV/bin/python" -c 'from twisted.application.service import IServiceMaker; from twisted.plugin import getPlugins; list(getPlugins(IServiceMaker))')
    stamp meshd "$sum"
}

install_debian_packages
python_is_new_enough
[ "$PURPOSE" != demo ] || can_have_namespaces
choose_venv
exec 9< "$ROOT"
flock 9
if ! stamped python "$("$PYTHON" --version) $VENV"; then
    say "making $VENV with $("$PYTHON" --version)"
    "$PYTHON" -m venv --clear "$VENV" >&2
    stamp python "$("$PYTHON" --version) $VENV"
fi
install_requirements build
install_requirements runtime
[ "$PURPOSE" = demo ] || install_requirements test
install_meshd
flock -u 9
[ "$PURPOSE" != kubernetes ] || (cd "$ROOT" && "$VENV/bin/python" -m tests.kubernetes.building > /dev/null) || fail "there is no Kubernetes to test with"
echo "$VENV"
