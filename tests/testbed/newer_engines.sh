#!/usr/bin/env bash
# Unpacks a newer Docker Engine and containerd, with what they need, into a folder.
#
#   newer_engines.sh DIR
#
# The packages are those of a newer Debian. They are unpacked, not installed, so that
# nothing in them runs here. A tree that this script has made before is kept. Where it
# cannot be made nothing is left but DIR.why, which the tests that need it tell.
set -u
tree=$(realpath -m "$1")
suite=forky
packages=(
    base-files containerd coreutils dash docker-cli docker.io iptables mount nftables runc
)
keys=/usr/share/keyrings/debian-archive-keyring.gpg
made_by=$(sha256sum <"$0")

complete() { [ "$(cat "$tree/.complete" 2>/dev/null)" = "$made_by" ]; }
complete && exit 0
mkdir -p "$(dirname "$tree")"
making=$tree.making
apt=$making/apt

give_up() {
    cd /
    rm -rf "$making"
    printf 'no newer engines: %s\n' "$*" | tee "$tree.why"
    exit 0
}

[ "$(id -u)" = 0 ] || give_up 'needs root'
for program in apt-get dpkg-deb chroot flock; do
    command -v "$program" >/dev/null || give_up "needs $program"
done
[ -e "$keys" ] || give_up 'needs debian-archive-keyring'

exec 9>"$tree.lock"
flock -w 600 9 || give_up 'somebody else is at it'
complete && exit 0
rm -rf "$making" "$tree" "$tree.why"

# The mirror that this machine uses itself.
codename=$(. /etc/os-release && printf %s "${VERSION_CODENAME:-}")
mirror=$(apt-get --print-uris update 2>/dev/null |
    sed -n "s|^'\(.*\)/dists/$codename/InRelease'.*|\1|p" | head -1)
[ -n "$mirror" ] || give_up 'no mirror of Debian is known'

# An apt of its own, for which nothing is installed.
mkdir -p "$apt"/{parts,lists/partial,cache/archives/partial}
: >"$apt/status"
printf 'deb [signed-by=%s] %s %s main\n' "$keys" "$mirror" "$suite" >"$apt/sources.list"
own_apt() {
    timeout 150 apt-get -q -y \
        -o "Dir::Etc::SourceList=$apt/sources.list" -o "Dir::Etc::SourceParts=$apt/parts" \
        -o "Dir::State::Lists=$apt/lists" -o "Dir::State::Status=$apt/status" \
        -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root \
        -o Acquire::Check-Valid-Until=false -o Acquire::Retries=2 \
        -o APT::Install-Recommends=false "$@" >>"$apt/log" 2>&1
}
own_apt -o APT::Update::Error-Mode=any update &&
    own_apt install --download-only "${packages[@]}" ||
    give_up "$(grep '^[EW]:' "$apt/log" | tail -1)"

# base-files comes first: it makes /bin, /lib and the like links into /usr.
cd "$apt/cache/archives" || give_up 'no packages came'
for package in base-files_*.deb *.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$making" --keep-directory-symlink \
        --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' 2>>"$apt/log"
    [ "${PIPESTATUS[*]}" = '0 0' ] || give_up "$package: $(tail -1 "$apt/log")"
done
cd /
# What installing them would have done.
for name in {iptables,ip6tables}{,-save,-restore}; do
    ln -sf xtables-nft-multi "$making/usr/sbin/$name"
done
mkdir -p "$making"/{old,proc,sys,dev,tmp,run}
: >"$making/etc/hosts"
: >"$making/etc/resolv.conf"
for program in dockerd containerd runc docker iptables; do
    chroot "$making" "$program" --version >>"$apt/log" 2>&1 ||
        give_up "$program: $(tail -1 "$apt/log")"
done
rm -rf "$apt"
printf '%s\n' "$made_by" >"$making/.complete"
mv "$making" "$tree"
